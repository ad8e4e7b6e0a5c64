import { cloudEvent } from '../support/cloud-events';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

interface Row {
  value: number;
  windowStart: string;
  windowEnd: string;
  subject: string | null;
  customerId?: string;
  groupBy: Record<string, string>;
}

describeOnEachStorage('the meter query API', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  const customerId = '01JZ0000000000000000000001';

  const send = async (subject: string, time: string, data: Record<string, unknown>) => {
    const event = cloudEvent({ type: 'llm', subject, time, data });
    expect((await app.request('POST', '/api/v1/events', [event])).status).toBe(204);
  };
  const query = async (parameters: string, headers = {}) =>
    app.request('GET', `/api/v1/meters/tokens/query?${parameters}`, undefined, headers);
  const rows = async (parameters: string): Promise<Row[]> =>
    ((await (await query(parameters)).json()) as { data: Row[] }).data;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database);
    await app.request('POST', '/api/v1/meters', {
      slug: 'tokens',
      aggregation: 'SUM',
      eventType: 'llm',
      valueProperty: '$.tokens',
      groupBy: { model: '$.model' },
    });
    // Berlin's clock is put forward on March 31, 2024: that day has 23 hours.
    await send('acme', '2024-03-30T22:59:59.999Z', { tokens: 1, model: 'gpt-4' });
    await send('acme', '2024-03-30T23:00:00Z', { tokens: 10, model: 'gpt-4' });
    await send('acme', '2024-03-31T21:59:59.999Z', { tokens: 100, model: 'claude' });
    await send('globex', '2024-03-31T22:00:00Z', { tokens: 1000, model: 'say "hi", twice' });
    await opened.database.query(
      `INSERT INTO customer (id, key, name, created_at, updated_at) VALUES ($1, 'acme', 'Acme', 0, 0)`,
      [customerId],
    );
    await opened.database.query(
      `INSERT INTO customer_subject (subject, customer_id, is_listed) VALUES ('acme', $1, false)`,
      [customerId],
    );
  }, 30_000);
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  it('gives a day of 23 hours its own window', async () => {
    expect(await rows('windowSize=DAY&windowTimeZone=Europe/Berlin')).toEqual([
      expect.objectContaining({
        value: 1,
        windowStart: '2024-03-29T23:00:00.000Z',
        windowEnd: '2024-03-30T23:00:00.000Z',
      }),
      expect.objectContaining({
        value: 110,
        windowStart: '2024-03-30T23:00:00.000Z',
        windowEnd: '2024-03-31T22:00:00.000Z',
      }),
      expect.objectContaining({ value: 1000, windowStart: '2024-03-31T22:00:00.000Z' }),
    ]);
  });

  it('counts an event at from and not the one at to', async () => {
    const data = await rows('from=2024-03-30T23:00:00Z&to=2024-03-31T21:59:59.999Z');
    expect(data).toEqual([
      {
        value: 10,
        windowStart: '2024-03-30T23:00:00.000Z',
        windowEnd: '2024-03-31T21:59:59.999Z',
        subject: null,
        groupBy: {},
      },
    ]);
  });

  it('says from which minute to which there was usage where no span is asked for', async () => {
    expect(await rows('subject=acme')).toEqual([
      {
        value: 111,
        windowStart: '2024-03-30T22:59:00.000Z',
        windowEnd: '2024-03-31T22:00:00.000Z',
        subject: 'acme',
        groupBy: {},
      },
    ]);
  });

  it('filters and groups by subject, customer and key, alike in GET and POST', async () => {
    const parameters = `filterCustomerId=${customerId}&filterGroupBy[model]=gpt-4&groupBy=model`;
    const expected = [
      expect.objectContaining({ value: 11, customerId, subject: null, groupBy: { model: 'gpt-4' } }),
    ];
    expect(await rows(parameters)).toEqual(expected);
    const posted = await app.request('POST', '/api/v1/meters/tokens/query', {
      filterCustomerId: [customerId],
      filterGroupBy: { model: ['gpt-4'] },
      groupBy: ['model'],
    });
    expect(((await posted.json()) as { data: Row[] }).data).toEqual(expected);
    const advanced = encodeURIComponent(JSON.stringify({ model: { $nlike: 'gpt%', $ne: null } }));
    expect(
      (await rows(`advancedMeterGroupByFilters=${advanced}&groupBy=subject`)).map((row) => row.value),
    ).toEqual([100, 1000]);
  });

  it('takes a long list of subjects', async () => {
    const list = Array.from({ length: 60 }, (_, index) => `subject=s-${index}`).join('&');
    expect((await rows(`${list}&subject=globex`)).map((row) => row.subject)).toEqual(['globex']);
  });

  it('writes values digit for digit, though a double could not hold them', async () => {
    await send('exact', '2024-04-02T00:00:00Z', { tokens: '9007199254740993', model: 'm' });
    await send('exact', '2024-04-02T00:00:01Z', { tokens: 0.1, model: 'm' });
    const text = await (await query('subject=exact')).text();
    expect(text).toContain('"value":9007199254740993.1,');
  });

  it('answers CSV on demand, quoted where it must be', async () => {
    const response = await query(
      'groupBy=subject&groupBy=model&from=2024-03-31T22:00:00Z&to=2024-04-01T00:00:00Z',
      {
        accept: 'text/csv',
      },
    );
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="tokens.csv"');
    expect(await response.text()).toBe(
      'window_start,window_end,subject,model,value\r\n' +
        '2024-03-31T22:00:00.000Z,2024-04-01T00:00:00.000Z,globex,"say ""hi"", twice",1000.000000\r\n',
    );
  });

  it('lists subjects and group-by values of a span', async () => {
    const list = async (path: string) => (await app.request('GET', `/api/v1/meters/tokens/${path}`)).json();
    expect(await list('subjects?to=2024-04-01T00:00:00Z')).toEqual(['acme', 'globex']);
    expect(await list('subjects?from=2024-03-31T22:00:00Z&to=2024-04-01T00:00:00Z')).toEqual(['globex']);
    expect(await list('group-by/model/values?from=2024-03-01T00:00:00Z&to=2024-03-31T22:00:00Z')).toEqual([
      'claude',
      'gpt-4',
    ]);
    expect(await list('group-by/model/values')).toEqual([]);
  });

  const deep = `{"model":${'{"$and":['.repeat(20)}{}${']}'.repeat(20)}}`;
  it.each([
    ['an unknown group-by', 'groupBy=colour', 400, 'groupBy'],
    ['an unknown filter key', 'filterGroupBy[colour]=red', 400, 'filterGroupBy'],
    [
      'both kinds of filters',
      'filterGroupBy[model]=a&advancedMeterGroupByFilters={"model":{"$eq":"a"}}',
      400,
      'advancedMeterGroupByFilters',
    ],
    [
      'an unknown operator',
      'advancedMeterGroupByFilters={"model":{"$equals":"a"}}',
      400,
      'advancedMeterGroupByFilters.model',
    ],
    ['filters that are no JSON', 'advancedMeterGroupByFilters={', 400, 'advancedMeterGroupByFilters'],
    ['filters nested without end', `advancedMeterGroupByFilters=${deep}`, 400, undefined],
    ['an empty span', 'from=2024-01-02T00:00:00Z&to=2024-01-02T00:00:00Z', 400, 'to'],
    ['an unknown time zone', 'windowTimeZone=Mars/Base', 400, 'windowTimeZone'],
    ['an unknown window', 'windowSize=WEEK', 400, 'windowSize'],
    ['an unknown customer', 'filterCustomerId=01JZ0000000000000000000009', 404, undefined],
  ])('refuses %s', async (_, parameters, status, field) => {
    const response = await query(parameters);
    expect(response.status).toBe(status);
    const problem = (await response.json()) as { extensions?: { validationErrors: { field: string }[] } };
    if (field) expect(problem.extensions?.validationErrors[0]?.field).toBe(field);
  });

  it('answers 404 for a meter and a key that are not there', async () => {
    expect((await app.request('GET', '/api/v1/meters/none/query')).status).toBe(404);
    expect((await app.request('GET', '/api/v1/meters/tokens/group-by/colour/values')).status).toBe(404);
  });
});
