import { existsSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import {
  type ContentCoding,
  type DashboardFile,
  type DashboardFiles,
  readDashboard,
} from './dashboard-files';

/** Paths that programs speak to: what is not found there is answered as a problem, never with a page. */
const apiPrefixes =
  /^\/(?:api|v1|v2|v3|meter|ingest|webhooks|docs|assets|healthz|readyz|metrics|openapi\.json)(?:\/|$)/;

/**
 * What the page may do: run our files, and speak to this server. No inline script or style, no frame around it, no form
 * that leaves.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const notBuilt = `<!doctype html>
<html lang="en">
<title>Tollgate: the dashboard is not built</title>
<h1>The dashboard is not built</h1>
<p>The control plane runs, and its API answers; only the pages are missing. Build them in its folder with</p>
<pre>npm install
npm run build:dashboard</pre>
<p>and load this page again. The API is described at <a href="/docs">/docs</a>.</p>
</html>
`;

/** Where the build stands: beside the sources in a checkout and in the image, inside of the package otherwise. */
export const dashboardDirectory = (): string => {
  const packaged = join(__dirname, '../../dashboard');
  return existsSync(join(packaged, 'index.html')) ? packaged : join(__dirname, '../../../../dashboard/dist');
};

/** True when it has answered. */
export type ServeDashboard = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

/**
 * Serves the dashboard's files, and its one page for every path that a person's browser asks for outside of the API:
 * which page that is, is decided in the browser. A build that appears or changes later is picked up.
 */
export const createDashboard = (directory: string): ServeDashboard => {
  let builtAt = 0;
  let files: DashboardFiles | undefined;

  const current = (): DashboardFiles | undefined => {
    const at = statSync(join(directory, 'index.html'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (at !== builtAt) {
      files = at === 0 ? undefined : readDashboard(directory);
      builtAt = at;
    }
    return files;
  };

  return async (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    const path = pathOf(request);
    const built = current();
    const file = built?.get(path);
    if (file && path !== '/index.html') {
      await send(request, response, file);
      return true;
    }
    if (!isPage(request, path)) return false;
    response.setHeader('Content-Security-Policy', contentSecurityPolicy);
    const page = built?.get('/index.html');
    if (page) await send(request, response, page);
    else {
      response.writeHead(503, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' });
      response.end(request.method === 'HEAD' ? undefined : notBuilt);
    }
    return true;
  };
};

const pathOf = (request: IncomingMessage): string => (request.url ?? '/').split('?', 1)[0]!;

const isPage = (request: IncomingMessage, path: string): boolean =>
  path === '/' || (!apiPrefixes.test(path) && /\btext\/html\b/i.test(request.headers.accept ?? ''));

const send = async (
  request: IncomingMessage,
  response: ServerResponse,
  file: DashboardFile,
): Promise<void> => {
  response.setHeader('Content-Type', file.contentType);
  response.setHeader('ETag', file.etag);
  response.setHeader('Vary', 'Accept-Encoding');
  response.setHeader('Cache-Control', file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache');
  if (request.headers['if-none-match']?.includes(file.etag)) {
    response.statusCode = 304;
    response.end();
    return;
  }
  const coding = codingOf(request);
  const coded = coding && (await file.coded(coding));
  if (coded) response.setHeader('Content-Encoding', coding);
  const body = coded ?? file.content;
  response.setHeader('Content-Length', body.length);
  response.end(request.method === 'HEAD' ? undefined : body);
};

/** The best coding that the caller takes; one with the weight 0 is refused (RFC 9110, 12.5.3). */
const codingOf = (request: IncomingMessage): ContentCoding | undefined => {
  const accepted = String(request.headers['accept-encoding'] ?? '').toLowerCase();
  return (['br', 'gzip'] as const).find((coding) =>
    new RegExp(`(?:^|,)\\s*${coding}\\s*(?:;\\s*q=(?!0(?:\\.0*)?\\s*(?:,|$))[\\d.]+\\s*)?(?:,|$)`).test(
      accepted,
    ),
  );
};
