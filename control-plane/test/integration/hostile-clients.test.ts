import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { cloudEvent } from '../support/cloud-events';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

/** A client on the bare socket, which does what no HTTP library does. */
const openClient = (app: TestApp) => {
  const { hostname, port } = new URL(app.url);
  const socket: Socket = connect(Number(port), hostname);
  const heard: Buffer[] = [];
  let isClosed = false;
  socket.on('data', (chunk) => heard.push(chunk));
  socket.on('error', () => undefined);
  socket.on('close', () => {
    isClosed = true;
  });
  return {
    socket,
    text: () => Buffer.concat(heard).toString('latin1'),
    isClosed: () => isClosed,
  };
};

describeOnEachStorage('hostile clients', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database, {
      clients: { headersMs: 200, requestMs: 400, silentMs: 1_000, connections: 20 },
    });
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  it('that dribble their headers or their body are disconnected', async () => {
    const headers = openClient(app);
    headers.socket.write('GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: ');
    const body = openClient(app);
    body.socket.write(
      'POST /api/v1/events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n' +
        `Authorization: Bearer ${app.token}\r\nContent-Length: 1000\r\n\r\n{`,
    );
    await waitUntil('both are closed', () => headers.isClosed() && body.isClosed());
    expect(headers.text()).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('that say nothing are disconnected, and others are still served', async () => {
    const silent = openClient(app);
    await waitUntil('the silent one is closed', () => silent.isClosed());
    expect((await app.request('GET', '/healthz')).status).toBe(200);
  });

  it('that open more connections than may be are turned away, and the rest go on', async () => {
    const clients = Array.from({ length: 60 }, () => openClient(app));
    await waitUntil('the surplus is closed', () => clients.filter((one) => one.isClosed()).length >= 40);
    for (const { socket } of clients) socket.destroy();
    await waitUntil('a new client is served', async () =>
      fetch(`${app.url}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
  });

  it('that send what is no HTTP, or two lengths, get 400 and reach no route', async () => {
    const odd = openClient(app);
    odd.socket.write('\u0000\u0001 nonsense\r\n\r\n');
    const smuggler = openClient(app);
    smuggler.socket.write(
      'POST /api/v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n',
    );
    await waitUntil('both are closed', () => odd.isClosed() && smuggler.isClosed());
    for (const client of [odd, smuggler]) {
      expect(client.text()).toMatch(/^HTTP\/1\.1 400 /);
      expect(client.text()).not.toContain('200');
    }
  });

  it('that send a small body which unpacks to a large one are refused before it is unpacked', async () => {
    const response = await fetch(`${app.url}/api/v1/events`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${app.token}`,
        'content-type': 'application/json',
        'content-encoding': 'gzip',
      },
      body: new Uint8Array(gzipSync(Buffer.alloc(64 << 20, ' '))),
    });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 'body_too_large' });
  });

  it.each([
    ['a body that is too large', 'right', 5 << 20, 413],
    ['a wrong token', 'wrong', 3 << 20, 401],
  ])('that send all of a request before they read learn of %s', async (_what, token, bytes, status) => {
    const patient = await startTestApp(opened.database);
    const client = openClient(patient);
    client.socket.pause();
    const sent = new Promise<Error | null | undefined>((resolve) => {
      client.socket.write(
        'POST /api/v1/events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n' +
          `Authorization: Bearer ${token === 'right' ? patient.token : token}\r\nContent-Length: ${bytes}\r\n\r\n`,
      );
      client.socket.write(Buffer.alloc(bytes, ' '), resolve);
    });
    expect(await sent).toBeFalsy();
    client.socket.resume();
    await waitUntil('the answer', () => client.text().includes('\r\n\r\n'));
    expect(client.text()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    // The connection is still good for another request.
    client.socket.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
    await waitUntil('another answer', () => client.text().includes('HTTP/1.1 200 '));
    client.socket.destroy();
    await patient.stop();
  });

  it('that go on sending a body that was refused are disconnected', async () => {
    const patient = await startTestApp(opened.database);
    const client = openClient(patient);
    client.socket.write('POST /api/v1/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    const part = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(1 << 20, ' '), Buffer.from('\r\n')]);
    let sent = 0;
    const send = (): void => {
      sent += 1;
      if (sent <= 200) client.socket.write(part, (error) => error || send());
    };
    send();
    await waitUntil('it is closed', () => client.isClosed());
    expect(client.text()).toMatch(/^HTTP\/1\.1 401 /);
    expect(sent).toBeLessThan(200);
    await patient.stop();
  });

  it('do not learn what serves them, and other origins may not read', async () => {
    const response = await app.request('GET', '/api/v1/meters', undefined, {
      origin: 'https://elsewhere.example',
    });
    const { headers } = response;
    await response.text();
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('server')).toBeNull();
    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    const preflight = await fetch(`${app.url}/api/v1/meters`, {
      method: 'OPTIONS',
      headers: { origin: 'https://elsewhere.example', 'access-control-request-method': 'POST' },
    });
    await preflight.text();
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('that name properties of every object in payloads change no object, and count as what they are', async () => {
    const hostile = JSON.parse(
      '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}},"method":"__proto__"}',
    );
    await app.request('POST', '/api/v1/meters', {
      slug: 'polluted',
      eventType: 'pollution',
      aggregation: 'COUNT',
      groupBy: { method: '$.method', inherited: '$.toString' },
    });
    const event = cloudEvent({ type: 'pollution', subject: '__proto__', data: hostile });
    expect((await app.request('POST', '/api/v1/events', event)).status).toBe(204);
    expect(({} as Record<string, unknown>).isAdmin).toBeUndefined();
    const answer = await app.request(
      'GET',
      '/api/v1/meters/polluted/query?groupBy=subject&groupBy=method&groupBy=inherited',
    );
    const { data } = (await answer.json()) as { data: unknown[] };
    expect(data).toMatchObject([
      { value: 1, subject: '__proto__', groupBy: { method: '__proto__', inherited: '' } },
    ]);
  });

  it('that hide SQL in subjects, group-by values and filters are counted and searched to the letter', async () => {
    await app.request('POST', '/api/v1/meters', {
      slug: 'quoted',
      eventType: 'quotes',
      aggregation: 'COUNT',
      groupBy: { method: '$.method' },
    });
    const text = `'; DROP TABLE meter; -- " \\ $1 %s`;
    for (let index = 0; index < 2; index += 1) {
      const event = cloudEvent({ type: 'quotes', subject: text, data: { method: text } });
      expect((await app.request('POST', '/api/v1/events', event)).status).toBe(204);
    }
    const query = `subject=${encodeURIComponent(text)}&filterGroupBy[method]=${encodeURIComponent(text)}`;
    const answer = await app.request('GET', `/api/v1/meters/quoted/query?${query}`);
    expect(await answer.json()).toMatchObject({ data: [{ value: 2, subject: text }] });
    const none = await app.request(
      'GET',
      `/api/v1/meters/quoted/query?subject=${encodeURIComponent("' OR '1'='1")}`,
    );
    expect(await none.json()).toMatchObject({ data: [] });
    const unknown = await app.request(
      'GET',
      `/api/v1/meters/quoted/query?groupBy=${encodeURIComponent('method"; --')}`,
    );
    expect(unknown.status).toBe(400);
  });

  it('that send newlines and log lines as request ids, paths and subjects forge no line of the log', async () => {
    const forged = '{"level":60,"msg":"forged"}';
    const response = await app.request(
      'GET',
      `/api/v1/meters/${encodeURIComponent(`a\r\n${forged}`)}`,
      undefined,
      {
        'x-request-id': forged,
      },
    );
    expect(response.status).toBe(404);
    expect(response.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });
});
