import { ManualClock } from '../support/manual-clock';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

/** What anybody may ask for; a route that joins this list needs a reason. */
const publicPaths = new Set([
  '/healthz',
  '/readyz',
  '/openapi.json',
  '/docs',
  '/docs/page.mjs',
  '/docs/page.css',
]);

/** Paths without a token that ask for a secret of their own instead. */
const secretPaths = new Set(['/webhooks/konnect']);

const lesserScopes = { manage: ['read', 'ingest'], read: ['ingest'], ingest: ['read'] } as const;

interface CreatedToken {
  id: string;
  token: string;
}

describeOnEachStorage('tokens', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  const clock = new ManualClock('2026-03-01T00:00:00Z');

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database, { clock });
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  const create = async (scopes: readonly string[], extra: object = {}): Promise<CreatedToken> => {
    const response = await app.request('POST', '/api/v1/tokens', { name: 'test', scopes, ...extra });
    expect(response.status).toBe(201);
    return (await response.json()) as CreatedToken;
  };

  const send = (method: string, path: string, token?: string): Promise<Response> =>
    fetch(`${app.url}${path}`, {
      method,
      ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    });

  const problemOf = async (response: Response): Promise<{ code: string }> => {
    const { code } = (await response.json()) as { code: string };
    return { code };
  };

  it('lets nobody in without a token, with a wrong one or with a lesser scope, on any route', async () => {
    const tokens = { read: await create(['read']), ingest: await create(['ingest']) };
    const mistakes: string[] = [];
    for (const route of app.routes) {
      const path = route.path.replaceAll(/\{\w+\}/g, 'x');
      const name = `${route.method} ${route.path}`;
      if (secretPaths.has(route.path)) {
        const response = await send(route.method.toUpperCase(), path);
        if (response.status !== 401) mistakes.push(`${name} without its secret answered ${response.status}`);
        await response.arrayBuffer();
        continue;
      }
      if (route.scope === 'public') {
        if (!publicPaths.has(route.path)) mistakes.push(`${name} is public`);
        continue;
      }
      const attempts: [string, string | undefined, number][] = [
        ['without a token', undefined, 401],
        ['with a wrong token', 'tg_wrong', 401],
        ...(route.scope === 'portal' || route.scope === 'session'
          ? ([['with an API token', tokens.read.token, 401]] as [string, string, number][])
          : lesserScopes[route.scope].map((scope): [string, string, number] => [
              `with the scope ${scope}`,
              tokens[scope].token,
              403,
            ])),
      ];
      for (const [how, token, expected] of attempts) {
        const response = await send(route.method.toUpperCase(), path, token);
        if (response.status !== expected) mistakes.push(`${name} ${how} answered ${response.status}`);
        await response.arrayBuffer();
      }
    }
    expect(mistakes).toEqual([]);
    expect(app.routes.filter(({ scope }) => scope !== 'public').length).toBeGreaterThan(5);
  });

  it('shows a token once and keeps only its SHA-256', async () => {
    const made = await create(['read', 'read'], { expiresAt: '2026-12-31T00:00:00+01:00' });
    expect(made).toMatchObject({
      token: expect.stringMatching(/^tg_[\w-]{43}$/),
      scopes: ['read'],
      createdBy: 'bootstrap',
      expiresAt: '2026-12-30T23:00:00.000Z',
      lastUsedAt: null,
    });
    const list = await (await app.request('GET', '/api/v1/tokens?limit=1000')).text();
    expect(list).toContain(made.id);
    expect(list).not.toContain(made.token);
    const { rows } = await opened.database.query('SELECT * FROM api_token');
    expect(JSON.stringify(rows)).not.toContain(made.token);
  });

  it('refuses a token from the moment it expires', async () => {
    const { token } = await create(['manage'], { expiresAt: new Date(clock.now() + 60_000).toISOString() });
    expect((await send('GET', '/api/v1/tokens', token)).status).toBe(200);
    clock.advance(60_000);
    const refused = await send('GET', '/api/v1/tokens', token);
    expect(refused.status).toBe(401);
    expect(await problemOf(refused)).toEqual({ code: 'unauthenticated' });
  });

  it('refuses a revoked token at once, and on another replica after two seconds', async () => {
    const replica = await startTestApp(opened.database, { clock });
    try {
      const { id, token } = await create(['manage']);
      const onReplica = () =>
        fetch(`${replica.url}/api/v1/tokens`, { headers: { authorization: `Bearer ${token}` } });
      expect([(await send('GET', '/api/v1/tokens', token)).status, (await onReplica()).status]).toEqual([
        200, 200,
      ]);
      expect((await app.request('DELETE', `/api/v1/tokens/${id}`)).status).toBe(204);
      expect((await send('GET', '/api/v1/tokens', token)).status).toBe(401);
      clock.advance(2_000);
      expect((await onReplica()).status).toBe(401);
      expect((await app.request('DELETE', `/api/v1/tokens/${id}`)).status).toBe(404);
    } finally {
      await replica.stop();
    }
  });

  it('writes the time of last use when it stops, and never moves it back', async () => {
    const replica = await startTestApp(opened.database, { clock });
    const { id, token } = await create(['read']);
    await fetch(`${replica.url}/api/v1/tokens`, { headers: { authorization: `Bearer ${token}` } });
    const usedAt = clock.now();
    await replica.stop();
    const list = (await (await app.request('GET', '/api/v1/tokens?limit=1000')).json()) as {
      items: { id: string; lastUsedAt: string }[];
    };
    expect(list.items.find((item) => item.id === id)?.lastUsedAt).toBe(new Date(usedAt).toISOString());
  });

  it.each([
    ['no scope', { name: 'x', scopes: [] }, '$.scopes'],
    ['an unknown scope', { name: 'x', scopes: ['root'] }, '$.scopes[0]'],
    ['no name', { scopes: ['read'] }, '$.name'],
    [
      'an expiry in the past',
      { name: 'x', scopes: ['read'], expiresAt: '2020-01-01T00:00:00Z' },
      '$.expiresAt',
    ],
    ['an unknown key', { name: 'x', scopes: ['read'], scope: 'read' }, '$'],
  ])('refuses %s and names the field', async (_, body, field) => {
    const response = await app.request('POST', '/api/v1/tokens', body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ extensions: { validationErrors: [{ field }] } });
  });

  it('answers 401 to a header that is no bearer token', async () => {
    for (const header of ['Basic dGVzdA==', 'Bearer', 'Bearer a b', `Bearer ${'x'.repeat(2_000)}`]) {
      const response = await fetch(`${app.url}/api/v1/tokens`, { headers: { authorization: header } });
      expect(response.status).toBe(401);
    }
  });
});
