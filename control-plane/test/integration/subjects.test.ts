import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

describeOnEachStorage('subjects', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database);
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  const upsert = async (body: unknown) => {
    const response = await app.request('POST', '/api/v1/subjects', body);
    return { status: response.status, body: (await response.json()) as Record<string, unknown>[] };
  };

  it('creates subjects and changes what is given of those it knows', async () => {
    const first = await upsert([
      { key: 'b', displayName: 'B', metadata: { plan: 'gold', seats: 3 } },
      { key: 'a' },
    ]);
    expect(first.status).toBe(200);
    expect(first.body.map(({ key }) => key)).toEqual(['b', 'a']);
    const second = await upsert([{ key: 'b', displayName: null, stripeCustomerId: 'cus_1' }]);
    expect(second.body[0]).toMatchObject({
      id: first.body[0]!.id,
      displayName: null,
      metadata: { plan: 'gold', seats: 3 },
      stripeCustomerId: 'cus_1',
    });
    const listed = await app.request('GET', '/api/v1/subjects');
    expect(((await listed.json()) as { key: string }[]).map(({ key }) => key)).toEqual(['a', 'b']);
  });

  it('finds a subject by id and key, and forgets it', async () => {
    const { body } = await upsert([{ key: 'with space/slash' }]);
    for (const key of [body[0]!.id as string, encodeURIComponent('with space/slash')]) {
      const found = await app.request('GET', `/api/v1/subjects/${key}`);
      expect(await found.json()).toEqual(body[0]);
    }
    expect((await app.request('DELETE', `/api/v1/subjects/${body[0]!.id}`)).status).toBe(204);
    expect((await app.request('GET', `/api/v1/subjects/${body[0]!.id}`)).status).toBe(404);
    expect((await app.request('DELETE', '/api/v1/subjects/nobody')).status).toBe(404);
  });

  it.each([
    ['an object', { key: 'a' }],
    ['an empty key', [{ key: '' }]],
    ['a name that is a number', [{ key: 'a', displayName: 1 }]],
  ])('refuses %s', async (_, body) => {
    expect((await upsert(body)).status).toBe(400);
  });
});
