import { cloudEvent } from '../support/cloud-events';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

interface Listed {
  event: { id: string; data?: Record<string, unknown> };
  customerId?: string;
  validationError?: string;
  ingestedAt: string;
}

describeOnEachStorage('the lists of events', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  const customerId = '01JZ0000000000000000000001';
  const at = (minutesAgo: number) => new Date(Date.now() - minutesAgo * 60_000).toISOString();

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database);
    for (const [slug, valueProperty] of [
      ['tokens', '$.tokens'],
      ['seconds', '$.duration'],
    ])
      await app.request('POST', '/api/v1/meters', {
        slug,
        aggregation: 'SUM',
        eventType: 'llm',
        valueProperty,
      });
    await opened.database.query(
      `INSERT INTO customer (id, key, name, created_at, updated_at) VALUES ($1, 'acme', 'Acme', 0, 0)`,
      [customerId],
    );
    await opened.database.query(
      `INSERT INTO customer_subject (subject, customer_id, is_listed) VALUES ('acme', $1, false)`,
      [customerId],
    );
    const event = (id: string, minutesAgo: number, overrides: Record<string, unknown>) =>
      cloudEvent({
        id,
        type: 'llm',
        subject: 'acme',
        time: at(minutesAgo),
        data: { tokens: 1, duration: 1 },
        ...overrides,
      });
    const body = [
      event('good-1', 1, {}),
      event('good-2', 2, { dataschema: 'https://example.com/schema', traceparent: '00-abc' }),
      event('bad-value', 3, { data: { tokens: 'many', duration: null } }),
      event('no-value', 4, { data: {} }),
      event('no-data', 5, { data: undefined, source: 'other' }),
      event('no-meter', 6, { type: 'unknown', subject: 'nobody' }),
      event('exact', 7, { data: '@exact' }),
      event('old', 40 * 24 * 60, {}),
    ];
    const text = JSON.stringify(body).replace('"@exact"', '{"tokens":9007199254740993,"duration":0.10}');
    const response = await app.request('POST', '/api/v1/events', text);
    expect(response.status).toBe(204);
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  const list = async (parameters: string): Promise<Listed[]> => {
    const response = await app.request('GET', `/api/v1/events?${parameters}`);
    expect(response.status).toBe(200);
    return (await response.json()) as Listed[];
  };
  const ids = (events: readonly Listed[]) => events.map(({ event }) => event.id);
  const listV2 = async (filter: unknown, more = '') => {
    const response = await app.request(
      'GET',
      `/api/v2/events?filter=${encodeURIComponent(JSON.stringify(filter))}${more}`,
    );
    expect(response.status).toBe(200);
    return (await response.json()) as { items: Listed[]; nextCursor?: string };
  };

  it('says of each event whose it is and why it does not count', async () => {
    const events = await list('');
    expect(ids(events)).toEqual([
      'good-1',
      'good-2',
      'bad-value',
      'no-value',
      'no-data',
      'no-meter',
      'exact',
    ]);
    expect(events.map(({ validationError }) => validationError)).toEqual([
      undefined,
      undefined,
      'invalid event: value cannot be parsed as float64: many\ninvalid event: value cannot be null',
      'invalid event: missing value property: "$.tokens"\ninvalid event: missing value property: "$.duration"',
      'invalid event: null and missing value property',
      'no meter found for event type: unknown\nno customer found for event subject: nobody',
      undefined,
    ]);
    expect(events[0]).toMatchObject({ customerId });
    expect(events[5]).not.toHaveProperty('customerId');
    expect(events[1]!.event).toMatchObject({
      specversion: '1.0',
      dataschema: 'https://example.com/schema',
      traceparent: '00-abc',
      data: { tokens: 1 },
    });
  });

  it('gives data back digit for digit', async () => {
    const response = await app.request('GET', '/api/v1/events?id=exact');
    expect(await response.text()).toContain('"data":{"tokens":9007199254740993,"duration":0.1');
  });

  it.each([
    ['a part of the id', 'id=good', ['good-1', 'good-2']],
    ['the subject', 'subject=nobody', ['no-meter']],
    ['the customer', `customerId=${customerId}&limit=2`, ['good-1', 'good-2']],
    ['an unknown customer', 'customerId=01JZ0000000000000000000009', []],
    ['the time of receipt', 'ingestedAtTo=2020-01-01T00:00:00Z', []],
  ])('lists by %s', async (_, parameters, expected) => {
    expect(ids(await list(parameters))).toEqual(expected);
  });

  it('lists by time, both ends included, and further back when asked to', async () => {
    const [first] = await list('id=good-2');
    const time = (first!.event as unknown as { time: string }).time;
    expect(ids(await list(`from=${time}&to=${time}`))).toEqual(['good-2']);
    expect(ids(await list(`from=${at(50 * 24 * 60)}&id=old`))).toEqual(['old']);
  });

  it('pages through all events once with a cursor', async () => {
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await listV2({}, `&limit=3${cursor}`);
      seen.push(...ids(page.items));
      cursor = page.nextCursor ? `&cursor=${page.nextCursor}` : '';
    } while (cursor);
    expect(seen).toEqual([
      'good-1',
      'good-2',
      'bad-value',
      'no-value',
      'no-data',
      'no-meter',
      'exact',
      'old',
    ]);
  });

  it.each([
    ['equality', { id: { $eq: 'exact' } }, ['exact']],
    ['a list', { id: { $in: ['old', 'exact'] }, type: { $ne: 'x' } }, ['exact', 'old']],
    ['patterns', { id: { $ilike: 'GOOD-_', $nlike: '%2' } }, ['good-1']],
    ['alternatives', { source: { $or: [{ $eq: 'other' }, { $eq: 'none' }] } }, ['no-data']],
    ['order', { id: { $gte: 'no-data', $lt: 'no-value' } }, ['no-data', 'no-meter']],
    ['the customer', { customerId: { $in: [customerId] }, id: { $like: 'no%' } }, ['no-value', 'no-data']],
    ['the time', { time: { $lt: '2099-01-01T00:00:00Z', $and: [{ $gt: at(2.5) }] } }, ['good-1', 'good-2']],
    ['the receipt', { ingestedAt: { $gt: '2099-01-01T00:00:00Z' } }, []],
  ])('filters by %s', async (_, filter, expected) => {
    expect(ids((await listV2(filter)).items)).toEqual(expected);
  });

  it.each([
    '/api/v1/events?limit=101',
    '/api/v1/events?from=yesterday',
    '/api/v2/events?cursor=nonsense',
    '/api/v2/events?filter={"colour":{"$eq":"red"}}',
    '/api/v2/events?filter={"id":{"$regex":"a"}}',
    '/api/v2/events?filter=nonsense',
  ])('refuses %s', async (path) => {
    expect((await app.request('GET', path)).status).toBe(400);
  });
});
