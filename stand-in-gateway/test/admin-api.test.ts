import fc from 'fast-check';
import { type StandInGateway, type StandInGatewayOptions, startStandInGateway } from '../src/index';

async function withGateway(
  options: StandInGatewayOptions,
  run: (
    call: (method: string, path: string, body?: unknown) => Promise<{ status: number; body: never }>,
    gateway: StandInGateway,
  ) => Promise<void>,
): Promise<void> {
  const gateway = await startStandInGateway({
    config: '_format_version: "3.0"',
    propagationMs: 0,
    ...options,
  });
  try {
    await run(async (method, path, body) => {
      const answer = await fetch(gateway.adminUrl + path, {
        method,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      const text = await answer.text();
      return { status: answer.status, body: (text === '' ? undefined : JSON.parse(text)) as never };
    }, gateway);
  } finally {
    await gateway.close();
  }
}

const database: StandInGatewayOptions = { mode: 'postgres' };

test('consumers are created, found by every name, changed and deleted', async () => {
  await withGateway(database, async (call) => {
    const created = await call('POST', '/consumers', { username: 'ann', custom_id: 'c1', tags: ['gold'] });
    expect(created).toMatchObject({
      status: 201,
      body: { username: 'ann', custom_id: 'c1', tags: ['gold'] },
    });
    const { id } = created.body as { id: string };
    expect((await call('GET', `/consumers/${id}`)).body).toEqual(created.body);
    expect((await call('GET', '/consumers?custom_id=c1')).body).toEqual({ data: [created.body], next: null });
    expect((await call('GET', '/consumers?tags=gold')).body).toMatchObject({ data: [{ id }] });
    expect((await call('GET', '/consumers?tags=gold,other')).body).toEqual({ data: [], next: null });
    expect((await call('GET', '/consumers?tags=gold/other')).body).toMatchObject({ data: [{ id }] });
    expect(await call('PUT', '/consumers/ann', { custom_id: 'c2' })).toMatchObject({
      status: 200,
      body: { id, custom_id: 'c2', tags: null },
    });
    expect(await call('PATCH', '/consumers/ann', { tags: ['x'] })).toMatchObject({
      status: 200,
      body: { id, custom_id: 'c2', tags: ['x'] },
    });
    await call('PUT', '/consumers/ann/acls/g');
    expect((await call('DELETE', '/consumers/ann')).status).toBe(204);
    expect((await call('DELETE', '/consumers/ann')).status).toBe(204);
    expect((await call('GET', '/acls')).body).toEqual({ data: [], next: null });
  });
});

test('an entity that breaks its schema, another one or a reference is refused', async () => {
  await withGateway(database, async (call) => {
    await call('POST', '/consumers', { username: 'ann' });
    expect(await call('POST', '/consumers', { username: 'ann' })).toEqual({
      status: 409,
      body: {
        code: 5,
        name: 'unique constraint violation',
        message: `UNIQUE violation detected on '{username="ann"}'`,
        fields: { username: 'ann' },
      },
    });
    expect(await call('POST', '/consumers', { username: 1, colour: 'red' })).toMatchObject({
      status: 400,
      body: { message: '2 schema violations (colour: unknown field; username: expected a string)' },
    });
    const missing = '00000000-0000-4000-8000-000000000000';
    expect(await call('POST', '/routes', { paths: ['/'], service: { id: missing } })).toMatchObject({
      status: 400,
      body: { code: 4, fields: { service: { id: missing } } },
    });
  });
});

test('services, routes and plugins made through the Admin API are proxied', async () => {
  await withGateway(database, async (call, { proxyUrl }) => {
    await call('POST', '/services', { name: 's', url: 'http://127.0.0.1:9' });
    await call('POST', '/services/s/routes', { name: 'r', paths: ['/x'] });
    await call('POST', '/routes/r/plugins', { name: 'request-termination', config: { status_code: 418 } });
    expect((await fetch(`${proxyUrl}/x`)).status).toBe(418);
    expect((await call('GET', '/services/s/routes')).body).toMatchObject({ data: [{ name: 'r' }] });
    await call('DELETE', '/services/s');
    expect((await fetch(`${proxyUrl}/x`)).status).toBe(404);
    expect((await call('GET', '/plugins')).body).toEqual({ data: [], next: null });
  });
});

test('a credential made through the Admin API is accepted until it is deleted', async () => {
  await withGateway(database, async (call, { proxyUrl }) => {
    await call('POST', '/services', { name: 's', url: 'http://127.0.0.1:9' });
    await call('POST', '/services/s/routes', { paths: ['/'] });
    await call('POST', '/services/s/plugins', { name: 'key-auth' });
    await call('POST', '/services/s/plugins', { name: 'request-termination', config: { status_code: 418 } });
    await call('POST', '/consumers', { username: 'ann' });
    const status = async () => (await fetch(`${proxyUrl}/?apikey=k1`)).status;
    expect(await status()).toBe(401);
    expect((await call('POST', '/consumers/ann/key-auth', { key: 'k1' })).status).toBe(201);
    expect(await status()).toBe(418);
    expect((await call('DELETE', '/consumers/ann/key-auth/k1')).status).toBe(204);
    expect(await status()).toBe(401);
  });
});

test.each(['postgres', 'dbless'] as const)('paging shows every consumer once (%s)', async (mode) => {
  const usernames = Array.from({ length: 23 }, (_, index) => `user-${index}`);
  const config = JSON.stringify({
    _format_version: '3.0',
    consumers: usernames.map((username) => ({ username })),
  });
  await withGateway({ config, mode }, async (call) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 30 }), async (size) => {
        const seen: string[] = [];
        let path: string | null = `/consumers?size=${size}`;
        while (path !== null) {
          const { body } = await call('GET', path);
          const { data, next } = body as { data: { username: string }[]; next: string | null };
          seen.push(...data.map(({ username }) => username));
          path = next;
        }
        expect(seen.sort()).toEqual([...usernames].sort());
      }),
      { numRuns: 15 },
    );
  });
});

test('sizes and offsets that make no sense are refused', async () => {
  await withGateway(database, async (call) => {
    expect(await call('GET', '/consumers?size=0')).toMatchObject({ status: 400, body: { code: 9 } });
    expect(await call('GET', '/consumers?size=1001')).toMatchObject({ status: 400, body: { code: 9 } });
    expect(await call('GET', '/consumers?offset=xx')).toMatchObject({ status: 400, body: { code: 7 } });
  });
});

test('bodies that are no JSON object, too many path parts and unknown methods are refused', async () => {
  await withGateway(database, async (call, { adminUrl }) => {
    const headers = { 'content-type': 'application/json' };
    const broken = await fetch(`${adminUrl}/consumers`, { method: 'POST', headers, body: '{' });
    expect([broken.status, await broken.json()]).toEqual([400, { message: 'Cannot parse JSON body' }]);
    expect((await fetch(`${adminUrl}/consumers/%zz`)).status).toBe(400);
    expect((await call('GET', '/consumers/a/acls/b/c')).status).toBe(404);
    expect((await call('DELETE', '/consumers')).status).toBe(405);
  });
});

test('while a configuration loads another one gets 429, and the first one holds', async () => {
  await withGateway({ configLoadMs: 30 }, async (call) => {
    const load = (username: string) =>
      call('POST', '/config', { _format_version: '3.0', consumers: [{ username }] });
    const answers = await Promise.all([load('first'), load('second')]);
    expect(answers.map(({ status }) => status)).toEqual([201, 429]);
    expect((await call('GET', '/consumers')).body).toMatchObject({ data: [{ username: 'first' }] });
    expect((await load('third')).status).toBe(201);
  });
});

test('a document without a configuration and one that is no YAML are refused and nothing changes', async () => {
  await withGateway({ config: '_format_version: "3.0"\nconsumers: [{username: ann}]' }, async (call) => {
    expect(await call('POST', '/config', {})).toEqual({
      status: 400,
      body: { message: 'expected a declarative configuration' },
    });
    expect(await call('POST', '/config', { config: 'a: [' })).toMatchObject({
      status: 400,
      body: { code: 14 },
    });
    expect((await call('GET', '/consumers')).body).toMatchObject({ data: [{ username: 'ann' }] });
  });
});
