import { type HTTPError, OpenMeter } from '@openmeter/sdk';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

describeOnEachStorage("OpenMeter's SDK, unchanged", (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  let openmeter: OpenMeter;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database);
    openmeter = new OpenMeter({ baseUrl: app.url, apiKey: app.token });
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  const minute = 60_000;
  const hour = Math.floor(Date.now() / (60 * minute)) * 60 * minute - 2 * 60 * minute;

  it('creates, gets, lists, updates and deletes meters', async () => {
    const created = await openmeter.meters.create({
      slug: 'api_requests_total',
      aggregation: 'COUNT',
      eventType: 'request',
      groupBy: { method: '$.method', route: '$.route' },
    });
    expect(created).toMatchObject({ slug: 'api_requests_total', name: 'api_requests_total' });
    expect(created!.createdAt).toBeInstanceOf(Date);
    expect(await openmeter.meters.get('api_requests_total')).toMatchObject({ id: created!.id });
    expect(await openmeter.meters.get(created!.id)).toMatchObject({ slug: 'api_requests_total' });
    const updated = await openmeter.meters.update(created!.id, {
      name: 'Requests',
      groupBy: { method: '$.method', route: '$.route' },
    });
    expect(updated).toMatchObject({ name: 'Requests', groupBy: { method: '$.method', route: '$.route' } });
    await openmeter.meters.create({
      slug: 'tokens_total',
      aggregation: 'SUM',
      eventType: 'prompt',
      valueProperty: '$.tokens',
    });
    expect((await openmeter.meters.list())!.map(({ slug }) => slug)).toEqual([
      'api_requests_total',
      'tokens_total',
    ]);
    await openmeter.meters.delete('tokens_total');
    expect(await openmeter.meters.list()).toHaveLength(1);
  });

  it('ingests one event and a batch, and queries them', async () => {
    const event = (subject: string, offset: number, method: string) => ({
      specversion: '1.0',
      id: `${subject}-${offset}`,
      source: 'sdk-test',
      type: 'request',
      subject,
      time: new Date(hour + offset),
      data: { method, route: '/orders' },
    });
    await openmeter.events.ingest(event('customer-1', 0, 'GET'));
    const batch = [event('customer-1', 10 * minute, 'POST'), event('customer-2', 70 * minute, 'GET')];
    await openmeter.events.ingest(batch);
    await openmeter.events.ingest(batch);

    const total = await openmeter.meters.query('api_requests_total', { subject: ['customer-1'] });
    expect(total.data).toEqual([
      expect.objectContaining({ value: 2, subject: 'customer-1', windowStart: new Date(hour) }),
    ]);
    const hourly = await openmeter.meters.query('api_requests_total', {
      from: new Date(hour),
      to: new Date(hour + 120 * minute),
      windowSize: 'HOUR',
      windowTimeZone: 'Europe/Berlin',
      groupBy: ['method'],
      filterGroupBy: { method: 'GET' },
    });
    expect(hourly).toMatchObject({ from: new Date(hour), windowSize: 'HOUR' });
    expect(hourly.data.map(({ value, windowStart }) => [value, windowStart])).toEqual([
      [1, new Date(hour)],
      [1, new Date(hour + 60 * minute)],
    ]);
    const posted = await openmeter.meters.queryPost('api_requests_total', {
      from: new Date(hour),
      to: new Date(hour + 120 * minute),
      groupBy: ['subject'],
      advancedMeterGroupByFilters: { method: { $in: ['GET', 'POST'] } },
    });
    expect((posted as { data: { subject: string; value: number }[] }).data).toEqual([
      expect.objectContaining({ subject: 'customer-1', value: 2 }),
      expect.objectContaining({ subject: 'customer-2', value: 1 }),
    ]);
    expect(
      await openmeter.meters.listGroupByValues('api_requests_total', 'method', { from: new Date(hour) }),
    ).toEqual(['GET', 'POST']);
  });

  it('lists events by both APIs', async () => {
    const listed = await openmeter.events.list({ subject: 'customer-1', limit: 1 });
    expect(listed).toHaveLength(1);
    expect(listed![0]).toMatchObject({
      event: { id: `customer-1-${10 * minute}`, type: 'request', data: { method: 'POST' } },
      validationError: 'no customer found for event subject: customer-1',
    });
    expect(listed![0]!.ingestedAt).toBeInstanceOf(Date);
    const first = await openmeter.events.listV2({ limit: 2 });
    expect(first!.items).toHaveLength(2);
    const second = await openmeter.events.listV2({ limit: 2, cursor: first!.nextCursor! });
    expect(second!.items.map(({ event }) => event.id)).toEqual(['customer-1-0']);
    expect(second!.nextCursor).toBeUndefined();
  });

  it('upserts, gets, lists and deletes subjects', async () => {
    const [subject] = (await openmeter.subjects.upsert([
      { key: 'customer-1', displayName: 'ACME', metadata: { plan: 'gold' } },
    ])) as { id: string }[];
    expect(await openmeter.subjects.get('customer-1')).toMatchObject({
      id: subject!.id,
      displayName: 'ACME',
    });
    expect(await openmeter.subjects.list()).toHaveLength(1);
    await openmeter.subjects.delete('customer-1');
    expect(await openmeter.subjects.list()).toHaveLength(0);
  });

  it('reads the details of a refusal', async () => {
    const refused = openmeter.meters.create({ slug: 'No_Slug', aggregation: 'COUNT', eventType: 'x' });
    await expect(refused).rejects.toMatchObject({
      status: 400,
      title: 'Bad Request',
      message: expect.stringContaining('$.slug'),
    } satisfies Partial<HTTPError> & { message: unknown });
  });
});
