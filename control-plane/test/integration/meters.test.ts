import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

describeOnEachStorage('meters', (storage) => {
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

  let made = 0;
  const draft = (overrides: Record<string, unknown> = {}) => {
    made += 1;
    return {
      slug: `tokens_${made}`,
      aggregation: 'SUM',
      eventType: 'kong.llm_request',
      valueProperty: '$.tokens',
      groupBy: { model: '$.model', provider: '$.provider' },
      ...overrides,
    };
  };
  const create = async (overrides: Record<string, unknown> = {}) => {
    const response = await app.request('POST', '/api/v1/meters', draft(overrides));
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  it('creates a meter and finds it by id and by slug', async () => {
    const { status, body } = await create({
      eventFrom: '2026-01-01T01:00:00+01:00',
      metadata: { team: 'billing' },
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      slug: `tokens_${made}`,
      name: `tokens_${made}`,
      aggregation: 'SUM',
      eventFrom: '2026-01-01T00:00:00.000Z',
      valueProperty: '$.tokens',
      groupBy: { model: '$.model', provider: '$.provider' },
      metadata: { team: 'billing' },
    });
    for (const key of [body.id, body.slug]) {
      const found = await app.request('GET', `/api/v1/meters/${key}`);
      expect(await found.json()).toEqual(body);
    }
  });

  it('refuses a second living meter with the same slug and names the first', async () => {
    const { body } = await create();
    const { status, body: problem } = await create({ slug: body.slug });
    expect(status).toBe(409);
    expect(problem).toMatchObject({
      code: 'meter_exists',
      extensions: { conflictingEntityId: body.id },
    });
  });

  it('frees the slug of a deleted meter', async () => {
    const { body } = await create();
    expect((await app.request('DELETE', `/api/v1/meters/${body.slug}`)).status).toBe(204);
    expect((await app.request('GET', `/api/v1/meters/${body.slug}`)).status).toBe(404);
    expect((await app.request('DELETE', `/api/v1/meters/${body.id}`)).status).toBe(404);
    const { status, body: second } = await create({ slug: body.slug });
    expect(status).toBe(201);
    expect(second.id).not.toBe(body.id);
  });

  it.each([
    ['a slug with capitals', { slug: 'Tokens' }, '$.slug'],
    ['a slug with two underscores', { slug: 'a__b' }, '$.slug'],
    ['a sum of nothing', { valueProperty: undefined }, '$.valueProperty'],
    ['a count of a value', { aggregation: 'COUNT' }, '$.valueProperty'],
    ['a value that is no path', { valueProperty: 'tokens' }, '$.valueProperty'],
    ['a broken path', { valueProperty: '$.[' }, '$.valueProperty'],
    ['a key with a dash', { groupBy: { 'a-b': '$.a' } }, '$.groupBy.a-b'],
    ['a reserved key', { groupBy: { subject: '$.a' } }, '$.groupBy.subject'],
    ['a group that is the value', { groupBy: { tokens: '$.tokens' } }, '$.groupBy.tokens'],
    ['a group without a path', { groupBy: { model: 'model' } }, '$.groupBy.model'],
    ['an unknown aggregation', { aggregation: 'MEDIAN' }, '$.aggregation'],
    ['no event type', { eventType: '' }, '$.eventType'],
    ['a time that is none', { eventFrom: 'yesterday' }, '$.eventFrom'],
  ])('refuses %s and names the field', async (_, overrides, field) => {
    const { status, body } = await create(overrides);
    expect(status).toBe(400);
    expect(body).toMatchObject({ extensions: { validationErrors: [{ field }] } });
  });

  it('replaces name, description, metadata and groupBy, and nothing else', async () => {
    const { body } = await create({ description: 'before' });
    const response = await app.request('PUT', `/api/v1/meters/${body.slug}`, {
      name: 'Tokens',
      groupBy: { model: '$.model' },
      slug: 'ignored',
      aggregation: 'COUNT',
    });
    expect(response.status).toBe(200);
    const changed = (await response.json()) as Record<string, unknown>;
    expect(changed).toMatchObject({
      id: body.id,
      slug: body.slug,
      name: 'Tokens',
      aggregation: 'SUM',
      groupBy: { model: '$.model' },
      metadata: {},
    });
    expect(changed).not.toHaveProperty('description');
  });

  it('keeps a meter that a feature counts, and the keys that it filters by', async () => {
    const { body } = await create();
    await opened.database.query(
      `INSERT INTO feature (id, key, name, meter_id, filters, created_at, updated_at)
       VALUES ($1, $1, $1, $2, '{"model": {"$eq": "gpt-4"}}', 0, 0)`,
      [`feature-${made}`, body.id],
    );
    const deleted = await app.request('DELETE', `/api/v1/meters/${body.slug}`);
    expect(deleted.status).toBe(409);
    const regrouped = await app.request('PUT', `/api/v1/meters/${body.slug}`, {
      groupBy: { provider: '$.provider' },
    });
    expect(regrouped.status).toBe(409);
    expect(await regrouped.json()).toMatchObject({ code: 'meter_in_use' });
  });

  it('lists meters in the order asked for, page by page, deleted ones on demand', async () => {
    const { body: first } = await create({ slug: 'zz_first' });
    await create({ slug: 'zz_second' });
    await app.request('DELETE', `/api/v1/meters/${first.id}`);
    const slugs = async (query: string) => {
      const response = await app.request('GET', `/api/v1/meters?${query}`);
      return ((await response.json()) as { slug: string }[]).map(({ slug }) => slug);
    };
    expect((await slugs('orderBy=key&order=DESC'))[0]).toBe('zz_second');
    expect(await slugs('')).not.toContain('zz_first');
    expect(await slugs('includeDeleted=true')).toContain('zz_first');
    expect(await slugs('order=DESC&includeDeleted=true&pageSize=1&page=2')).toEqual(['zz_first']);
    expect((await app.request('GET', '/api/v1/meters?page=0')).status).toBe(400);
  });
});
