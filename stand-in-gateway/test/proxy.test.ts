import http from 'node:http';
import { type StandInGateway, type StandInGatewayOptions, startStandInGateway } from '../src/index';
import { eventually } from './support/eventually';
import { rawRequest } from './support/raw-request';
import { closedPort, startUpstream } from './support/upstream-server';

type Upstream = Awaited<ReturnType<typeof startUpstream>>;

/** Runs a test against a gateway with the given text; `UPSTREAM` in it stands for the upstream's port. */
async function withGateway(
  config: string,
  run: (gateway: StandInGateway, upstream: Upstream) => Promise<void>,
  options: StandInGatewayOptions = {},
): Promise<void> {
  const upstream = await startUpstream();
  const text = `_format_version: "3.0"\n${config.replaceAll('UPSTREAM', String(upstream.port))}`;
  const gateway = await startStandInGateway({ config: text, propagationMs: 0, ...options });
  try {
    await run(gateway, upstream);
  } finally {
    await gateway.close();
    await upstream.close();
  }
}

const keyAuthApi = (keyAuth: string, more = '') => `
services:
- name: s
  url: http://127.0.0.1:UPSTREAM
  routes: [{name: r, paths: [/api]}]
  plugins:
  - {name: key-auth, config: ${keyAuth}}
${more}
consumers:
- {username: ann, custom_id: c-ann, keyauth_credentials: [{key: ann-key}], acls: [{group: gold}, {group: beta}]}
- {username: bea, keyauth_credentials: [{key: bea-key}], acls: [{group: banned}]}
- {username: guest}
`;

test('the most specific route wins and strip_path takes away what matched', async () => {
  const config = `
services:
- name: s
  url: http://127.0.0.1:UPSTREAM/base
  routes:
  - {name: short, paths: [/a]}
  - {name: long, paths: [/a/b]}
  - {name: kept, paths: [/kept], strip_path: false}
  - {name: pattern, paths: ["~/v[0-9]+/items"]}
  - {name: post, paths: [/a], methods: [POST]}
  - {name: host, hosts: ["*.example.com"]}
- {name: off, url: "http://127.0.0.1:UPSTREAM", enabled: false, routes: [{name: o, paths: [/off]}]}
`;
  await withGateway(config, async ({ proxyUrl, adminUrl }, upstream) => {
    const paths = ['/a/x', '/a/b/x?q=1', '/kept/x', '/v2/items/7', '/a'];
    for (const path of paths) await (await fetch(proxyUrl + path)).text();
    await (await fetch(`${proxyUrl}/a`, { method: 'POST' })).text();
    await rawRequest(proxyUrl, 'GET /other', { Host: 'www.example.com' });
    const urls = upstream.received.map(({ url }) => url);
    expect(urls).toEqual([
      '/base/x',
      '/base/x?q=1',
      '/base/kept/x',
      '/base/7',
      '/base',
      '/base',
      '/base/other',
    ]);
    expect((await fetch(`${proxyUrl}/off`)).status).toBe(404);
    const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
    const routes = [...metrics.matchAll(/route="(\w+)",code="200"/g)].map(([, route]) => route);
    expect(routes.sort()).toEqual(['host', 'kept', 'long', 'pattern', 'post', 'short']);
  });
});

test("an unknown path answers 404 in Kong's words", async () => {
  await withGateway('services: []', async ({ proxyUrl }) => {
    const answer = await fetch(`${proxyUrl}/nowhere`);
    const id = answer.headers.get('x-kong-request-id');
    expect(answer.status).toBe(404);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(await answer.text()).toBe(
      `{\n  "message":"no Route matched with those values",\n  "request_id":"${id}"\n}`,
    );
  });
});

test('a key is taken from a header or the query string, and the upstream is told who it is', async () => {
  await withGateway(keyAuthApi('{key_names: [apikey, x-key]}'), async ({ proxyUrl }, upstream) => {
    const statuses = [
      await fetch(`${proxyUrl}/api`, { headers: { 'X-Key': 'ann-key', 'X-Consumer-Username': 'root' } }),
      await fetch(`${proxyUrl}/api?apikey=ann-key`),
      await fetch(`${proxyUrl}/api?apikey=wrong`),
      await fetch(`${proxyUrl}/api?apikey=wrong`, { headers: { apikey: 'ann-key' } }),
      await fetch(`${proxyUrl}/api`),
    ];
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 401, 200, 401]);
    expect(statuses[4]!.headers.get('www-authenticate')).toBe('Key');
    expect(upstream.received[0]!.headers).toMatchObject({
      'x-consumer-username': 'ann',
      'x-consumer-custom-id': 'c-ann',
      'x-key': 'ann-key',
      'x-forwarded-path': '/api',
    });
    expect(upstream.received[0]!.headers['x-consumer-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});

test('a header or argument given twice is refused as a duplicate, and the first name decides', async () => {
  await withGateway(keyAuthApi('{key_names: [apikey, x-key]}'), async ({ proxyUrl }) => {
    const twice = await fetch(`${proxyUrl}/api?apikey=ann-key&apikey=bea-key`);
    expect([twice.status, ((await twice.json()) as { message: string }).message]).toEqual([
      401,
      'Duplicate API key found',
    ]);
    const headers = { Host: 'x', apikey: 'ann-key', APIKEY: 'ann-key' };
    expect((await rawRequest(proxyUrl, 'GET /api', headers)).body).toContain('Duplicate API key found');
    const first = await fetch(`${proxyUrl}/api`, { headers: { apikey: 'ann-key', 'x-key': 'wrong' } });
    expect(first.status).toBe(200);
  });
});

test('a route may ask for headers, and one for HTTPS only answers 426', async () => {
  const config = `
services:
- name: s
  url: http://127.0.0.1:UPSTREAM
  routes:
  - {name: plain, paths: [/a]}
  - {name: canary, paths: [/a], strip_path: false, headers: {X-Canary: ["yes", "on"]}}
  - {name: secure, paths: [/secure], protocols: [https]}
`;
  await withGateway(config, async ({ proxyUrl }, upstream) => {
    await (await fetch(`${proxyUrl}/a`)).text();
    await (await fetch(`${proxyUrl}/a`, { headers: { 'x-canary': 'Yes' } })).text();
    expect(upstream.received.map(({ url }) => url)).toEqual(['/', '/a']);
    const answer = await fetch(`${proxyUrl}/secure`);
    expect([answer.status, answer.headers.get('upgrade')]).toEqual([426, 'TLS/1.2, HTTP/1.1']);
  });
});

test('a client that goes away ends the request upstream and is counted as 499', async () => {
  let gone = false;
  const slow = http.createServer((_request, response) => {
    response.on('close', () => {
      gone = true;
    });
  });
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
  const { port } = slow.address() as { port: number };
  const config = `services: [{name: s, url: "http://127.0.0.1:${port}", routes: [{name: r, paths: [/]}]}]`;
  await withGateway(config, async ({ proxyUrl, adminUrl }) => {
    const client = new AbortController();
    const request = fetch(proxyUrl, { signal: client.signal }).catch(() => 'aborted');
    await eventually(
      () => new Promise<number>((resolve) => slow.getConnections((_error, count) => resolve(count))),
      (count) => count === 1,
    );
    client.abort();
    await request;
    await eventually(() => gone, Boolean);
    const metrics = () => fetch(`${adminUrl}/metrics`).then((answer) => answer.text());
    await eventually(metrics, (text) => text.includes('code="499"'));
  });
  slow.closeAllConnections();
  slow.close();
});

test('hide_credentials keeps the key from the upstream, in header and query', async () => {
  await withGateway(keyAuthApi('{hide_credentials: true}'), async ({ proxyUrl }, upstream) => {
    await (await fetch(`${proxyUrl}/api`, { headers: { apikey: 'ann-key' } })).text();
    await (await fetch(`${proxyUrl}/api?a=1&apikey=ann-key`)).text();
    expect(upstream.received[0]!.headers.apikey).toBeUndefined();
    expect(upstream.received[1]!.url).toBe('/?a=1');
  });
});

test('an anonymous consumer takes the place of one that is not known', async () => {
  await withGateway(keyAuthApi('{anonymous: guest}'), async ({ proxyUrl }, upstream) => {
    expect((await fetch(`${proxyUrl}/api`)).status).toBe(200);
    expect(upstream.received[0]!.headers).toMatchObject({
      'x-consumer-username': 'guest',
      'x-anonymous-consumer': 'true',
    });
  });
});

test('acl allows and denies by group and tells the upstream the groups', async () => {
  const allow = '  - {name: acl, config: {allow: [gold]}}';
  await withGateway(keyAuthApi('{}', allow), async ({ proxyUrl }, upstream) => {
    expect((await fetch(`${proxyUrl}/api?apikey=ann-key`)).status).toBe(200);
    expect((await fetch(`${proxyUrl}/api?apikey=bea-key`)).status).toBe(403);
    expect(upstream.received[0]!.headers['x-consumer-groups']).toBe('gold, beta');
  });
  const deny = '  - {name: acl, config: {deny: [banned], hide_groups_header: true}}';
  await withGateway(keyAuthApi('{}', deny), async ({ proxyUrl }, upstream) => {
    expect((await fetch(`${proxyUrl}/api?apikey=ann-key`)).status).toBe(200);
    expect((await fetch(`${proxyUrl}/api?apikey=bea-key`)).status).toBe(403);
    expect(upstream.received[0]!.headers['x-consumer-groups']).toBeUndefined();
  });
});

test("request-termination of a consumer ends only that consumer's requests", async () => {
  const more = `
plugins:
- {name: request-termination, consumer: bea, config: {status_code: 429, message: Quota exceeded}}`;
  await withGateway(keyAuthApi('{}') + more, async ({ proxyUrl }) => {
    expect((await fetch(`${proxyUrl}/api?apikey=ann-key`)).status).toBe(200);
    const answer = await fetch(`${proxyUrl}/api?apikey=bea-key`);
    expect([answer.status, await answer.text()]).toEqual([429, '{"message":"Quota exceeded"}']);
  });
});

test('bodies are streamed both ways before they are complete', async () => {
  const config = 'services: [{name: s, url: "http://127.0.0.1:PORT", routes: [{name: r, paths: [/]}]}]';
  const server = http.createServer((request, response) => {
    response.writeHead(200);
    request.on('data', (chunk: Buffer) => response.write(`got ${chunk}`));
    request.on('end', () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const text = `_format_version: "3.0"\n${config.replace('PORT', String(port))}`;
  const gateway = await startStandInGateway({ config: text });
  try {
    const request = http.request(`${gateway.proxyUrl}/`, { method: 'POST' });
    const answer = new Promise<http.IncomingMessage>((resolve) => request.on('response', resolve));
    request.write('one');
    const chunks: string[] = [];
    const response = await answer;
    response.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
    await eventually(
      () => chunks.join(''),
      (sofar) => sofar === 'got one',
    );
    request.end('two');
    await new Promise((resolve) => response.on('end', resolve));
    expect(chunks.join('')).toBe('got onegot two');
  } finally {
    await gateway.close();
    server.closeAllConnections();
    server.close();
  }
});

test('an upstream that cannot be reached, found or waited for answers 502, 503 and 504', async () => {
  const silent = await startUpstream(() => undefined);
  const config = `
services:
- {name: dead, url: "http://127.0.0.1:${await closedPort()}", routes: [{name: d, paths: [/dead]}]}
- {name: lost, url: "http://nobody.invalid", routes: [{name: l, paths: [/lost]}]}
- {name: slow, url: "http://127.0.0.1:${silent.port}", read_timeout: 20, routes: [{name: t, paths: [/slow]}]}
`;
  try {
    await withGateway(config, async ({ proxyUrl }) => {
      const answers = await Promise.all(['/dead', '/lost', '/slow'].map((path) => fetch(proxyUrl + path)));
      expect(answers.map(({ status }) => status)).toEqual([502, 503, 504]);
      const messages = await Promise.all(
        answers.map(async (answer) => ((await answer.json()) as { message: string }).message),
      );
      expect(messages).toEqual([
        'An invalid response was received from the upstream server',
        'name resolution failed',
        'The upstream server is timing out',
      ]);
    });
  } finally {
    await silent.close();
  }
});

test('a body that was never read by a refused attempt is sent whole with the next one', async () => {
  const port = await closedPort();
  const config = `services: [{name: s, url: "http://127.0.0.1:${port}", retries: 30000, routes: [{name: r, paths: [/]}]}]`;
  await withGateway(config, async ({ proxyUrl }) => {
    const answer = fetch(proxyUrl, { method: 'PUT', body: 'whole body' });
    const late = await startUpstream(undefined, port);
    try {
      expect((await answer).status).toBe(200);
      expect(late.received).toMatchObject([{ method: 'PUT', body: 'whole body' }]);
    } finally {
      await late.close();
    }
  });
});

test('an Admin API change reaches the proxy after the propagation delay and never before', async () => {
  const options = { mode: 'postgres', propagationMs: 30 } as const;
  const acl = '  - {name: acl, config: {allow: [gold]}}';
  await withGateway(
    keyAuthApi('{}', acl),
    async ({ proxyUrl, adminUrl }) => {
      const status = async () => (await fetch(`${proxyUrl}/api?apikey=bea-key`)).status;
      expect(await status()).toBe(403);
      const startedAt = Date.now();
      expect((await fetch(`${adminUrl}/consumers/bea/acls/gold`, { method: 'PUT' })).status).toBe(200);
      await eventually(status, (now) => now === 200);
      expect(Date.now() - startedAt).toBeGreaterThanOrEqual(29);
      await fetch(`${adminUrl}/consumers/bea/acls/gold`, { method: 'DELETE' });
      await eventually(status, (now) => now === 403);
    },
    options,
  );
});

test('nodes of one database follow each other, nodes without one do not', async () => {
  const api = keyAuthApi('{}', '  - {name: acl, config: {allow: [gold]}}');
  const status = async (url: string) => (await fetch(`${url}/api?apikey=bea-key`)).status;
  await withGateway(
    api,
    async ({ nodes, adminUrl }) => {
      await fetch(`${adminUrl}/consumers/bea/acls/gold`, { method: 'PUT' });
      expect(await status(nodes[0]!.proxyUrl)).toBe(200);
      expect(await status(nodes[1]!.proxyUrl)).toBe(200);
    },
    { mode: 'postgres', nodeCount: 2, clusterUpdateMs: 0 },
  );
  await withGateway(
    api,
    async ({ nodes }, upstream) => {
      const text = `_format_version: "3.0"\n${api.replaceAll('UPSTREAM', String(upstream.port)).replace('banned', 'gold')}`;
      const answer = await fetch(`${nodes[0]!.adminUrl}/config`, { method: 'POST', body: text });
      expect(answer.status).toBe(201);
      expect(await status(nodes[0]!.proxyUrl)).toBe(200);
      expect(await status(nodes[1]!.proxyUrl)).toBe(403);
    },
    { nodeCount: 2 },
  );
});
