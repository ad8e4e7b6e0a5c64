import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { KONG_TOKEN } from '../proxy/answers';
import { newRequestId } from '../proxy/exchange';
import { isRecord } from '../schema/field-schema';
import type { AdminAnswer, AdminRequest } from './admin-answer';

/** Answers one request of the Admin API. */
export type AdminHandler = (request: AdminRequest) => AdminAnswer | Promise<AdminAnswer>;

/** Largest body taken; a configuration of tens of thousands of consumers is a few megabytes. */
const MAX_BODY_BYTES = 64 * 2 ** 20;

/** Called with each request before it is answered; returns true when it has dealt with it altogether. */
export type AdminInterceptor = (
  request: IncomingMessage,
  response: ServerResponse,
) => boolean | Promise<boolean>;

/** Creates the Admin API's HTTP server. It is not listening yet. */
export function createAdminServer(handle: AdminHandler, intercept: AdminInterceptor): http.Server {
  return http.createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
    void serve(handle, intercept, request, response).catch((error: unknown) => {
      const message = 'An unexpected error occurred';
      console.error('admin API:', error);
      if (!response.headersSent) send(response, { status: 500, body: { message } }, Date.now());
      else response.destroy();
    });
  });
}

async function serve(
  handle: AdminHandler,
  intercept: AdminInterceptor,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startedAtMs = Date.now();
  if (await intercept(request, response)) return;
  const text = await readBody(request);
  if (text === undefined) {
    send(
      response,
      { status: 413, body: { message: 'Payload too large' }, headers: { Connection: 'close' } },
      startedAtMs,
    );
    return;
  }
  const parsed = parseRequest(request, text);
  send(response, 'answer' in parsed ? parsed.answer : await handle(parsed.request), startedAtMs);
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parseRequest(
  request: IncomingMessage,
  text: string,
): { request: AdminRequest } | { answer: AdminAnswer } {
  const [path = '/', query = ''] = splitOnce(request.url ?? '/', '?');
  let segments: string[];
  try {
    segments = path.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    return { answer: { status: 400, body: { message: 'Bad request' } } };
  }
  const contentType = (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  const fields = bodyFields(contentType, text);
  if (!fields) return { answer: { status: 400, body: { message: 'Cannot parse JSON body' } } };
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
  return {
    request: {
      method,
      segments,
      query: new URLSearchParams(query),
      contentType,
      text,
      fields,
      requestId: newRequestId(),
      headers: request.headers,
    },
  };
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** Undefined when the body claims to be JSON and is not an object. */
function bodyFields(contentType: string, text: string): Record<string, unknown> | undefined {
  if (text === '') return {};
  if (contentType === 'application/json') {
    try {
      const parsed: unknown = JSON.parse(text);
      return isRecord(parsed) ? parsed : undefined;
    } catch {
      return undefined;
    }
  }
  return contentType === 'application/x-www-form-urlencoded' ? formFields(text) : {};
}

/** Kong's form notation: `a.b=c` for nested fields, `a[]=b` for lists. */
function formFields(text: string): Record<string, unknown> {
  // Without prototypes, so that a field called __proto__ is a field like any other.
  const root = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of new URLSearchParams(text)) {
    const keys = name.replace(/\[\]$/, '').split('.');
    const last = keys.pop()!;
    let at = root;
    for (const key of keys) {
      if (!isRecord(at[key])) at[key] = Object.create(null);
      at = at[key] as Record<string, unknown>;
    }
    if (name.endsWith('[]')) at[last] = [...((at[last] as unknown[] | undefined) ?? []), value];
    else at[last] = value;
  }
  return root;
}

function send(response: ServerResponse, answer: AdminAnswer, startedAtMs: number): void {
  if (response.destroyed) return;
  response.setHeader('Server', KONG_TOKEN);
  response.setHeader('X-Kong-Admin-Latency', String(Date.now() - startedAtMs));
  response.setHeader('Access-Control-Allow-Origin', '*');
  const hasBody = answer.body !== undefined;
  if (hasBody) response.setHeader('Content-Type', 'application/json; charset=utf-8');
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  response.statusCode = answer.status;
  response.end(
    hasBody ? (typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)) : undefined,
  );
}
