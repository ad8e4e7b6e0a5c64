import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { type TestDatabase, testStorages } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

const html = { accept: 'text/html,application/xhtml+xml' };
const script = `export const text = '${'tollgate '.repeat(200)}';`;

describe('serving the dashboard', () => {
  const root = mkdtempSync(join(tmpdir(), 'tollgate-dashboard-'));
  const directory = join(root, 'dist');
  let opened: TestDatabase;
  let app: TestApp;

  const build = (index: string): void => {
    mkdirSync(join(directory, 'assets'), { recursive: true });
    writeFileSync(join(directory, 'assets/app-1a2b3c.js'), script);
    writeFileSync(join(directory, 'index.html'), index);
  };

  /** The path as it is, which fetch would tidy, and the body as it came. */
  const raw = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
      const { hostname, port } = new URL(app.url);
      const outgoing = httpRequest({ hostname, port, path, method, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        );
      });
      outgoing.once('error', reject);
      outgoing.end();
    });

  beforeAll(async () => {
    writeFileSync(join(root, 'secret.txt'), 'not for anybody');
    opened = await testStorages[0]!.open();
    app = await startTestApp(opened.database, { dashboardDirectory: directory });
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
    rmSync(root, { recursive: true, force: true });
  });

  it('says how to build it while it is not built, and serves it from the moment it is', async () => {
    const missing = await raw('/', html);
    expect(missing.status).toBe(503);
    expect(missing.body.toString()).toContain('npm run build:dashboard');
    build('<!doctype html><title>Tollgate</title>');
    expect((await raw('/', html)).body.toString()).toContain('<title>Tollgate</title>');
  });

  it('gives its page for every path of a browser outside of the API, never cached, under a strict policy', async () => {
    for (const path of ['/', '/customers/acme-inc', '/access?status=out', '/index.html']) {
      const page = await raw(path, html);
      expect([path, page.status, page.headers['cache-control']]).toEqual([path, 200, 'no-cache']);
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(page.headers['content-security-policy']).toContain("script-src 'self'");
      expect(page.headers['content-security-policy']).not.toContain('unsafe');
    }
  });

  it('answers problems under the API and for programs', async () => {
    const asked: [string, Record<string, string>][] = [
      ['/api/v1/nothing', html],
      ['/v3/openmeter/nothing', html],
      ['/assets/gone-000000.js', html],
      ['/customers', { accept: 'application/json' }],
    ];
    for (const [path, headers] of asked) {
      const answer = await raw(path, headers);
      expect([path, answer.status]).toEqual([path, 404]);
      expect(answer.headers['content-type']).toBe('application/problem+json');
    }
    expect((await raw('/', html, 'POST')).status).toBe(404);
  });

  it('lets hashed files be kept for ever, and compresses them', async () => {
    const plain = await raw('/assets/app-1a2b3c.js');
    expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(plain.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(plain.body.toString()).toBe(script);
    const brotli = await raw('/assets/app-1a2b3c.js', { 'accept-encoding': 'gzip, deflate, br' });
    expect(brotli.headers['content-encoding']).toBe('br');
    expect(brotliDecompressSync(brotli.body).toString()).toBe(script);
    const gzip = await raw('/assets/app-1a2b3c.js', { 'accept-encoding': 'br;q=0, gzip;q=0.5' });
    expect(gzip.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(gzip.body).toString()).toBe(script);
    expect(gzip.body.length).toBeLessThan(script.length);
  });

  it('answers 304 for what the browser has, and nothing but headers to HEAD', async () => {
    const first = await raw('/', html);
    const again = await raw('/', { ...html, 'if-none-match': String(first.headers.etag) });
    expect([again.status, again.body.length]).toEqual([304, 0]);
    const head = await raw('/assets/app-1a2b3c.js', {}, 'HEAD');
    expect([head.status, head.body.length, Number(head.headers['content-length'])]).toEqual([
      200,
      0,
      script.length,
    ]);
  });

  it.each([
    '/../secret.txt',
    '/assets/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/assets/%2e%2e/%2e%2e/secret.txt',
    '/..\\secret.txt',
    '//secret.txt',
    '/assets/%00',
    '/assets/%',
  ])('gives nothing outside of its folder: %s', async (path) => {
    const answer = await raw(path, { accept: '*/*' });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.body.toString()).not.toContain('not for anybody');
  });
});
