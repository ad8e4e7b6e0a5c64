import { cloudEvent } from '../support/cloud-events';
import { readEventStream } from '../support/event-stream';
import { requestJson } from '../support/request-json';
import { type TestDatabase, testStorages } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

const batchType = { 'content-type': 'application/cloudevents-batch+json' };

describe('the live tail of events', () => {
  let opened: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    opened = await testStorages[0]!.open();
    app = await startTestApp(opened.database);
    await requestJson(app, 'POST', '/api/v1/meters', {
      slug: 'tokens',
      eventType: 'prompt',
      aggregation: 'SUM',
      valueProperty: '$.tokens',
    });
    await requestJson(app, 'POST', '/api/v1/customers', { name: 'Acme', key: 'acme' });
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  const open = (query = '') => readEventStream(`${app.url}/api/v1/events/stream${query}`, app.token);
  const send = (events: object[]) => app.request('POST', '/api/v1/events', events, batchType);
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever was sent
  const itemsOf = (stream: Awaited<ReturnType<typeof open>>): any[] =>
    stream.events.flatMap(({ data }) => data.items);

  it.each(['/api/v1/events/stream', '/api/v1/access/stream', '/api/v1/overview/activity/stream'])(
    'answers HEAD %s with the headers alone, and is done',
    async (path) => {
      const response = await app.request('HEAD', path);
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
      expect(await response.text()).toBe('');
    },
  );

  it('shows events as they are taken in, with their customer, what is wrong, and which are duplicates', async () => {
    const stream = await open();
    const event = { type: 'prompt', subject: 'acme', time: '2026-01-01T00:00:00Z' };
    const good = cloudEvent({ ...event, data: { tokens: '9007199254740993.5' } });
    await send([good, cloudEvent({ ...event, data: {} }), cloudEvent({ ...event, type: 'unknown' })]);
    await send([good]);
    await stream.until('four events came', () => itemsOf(stream).length === 4);
    const items = itemsOf(stream);
    expect(items[0]).toMatchObject({
      event: { id: good.id, time: '2026-01-01T00:00:00.000Z', data: { tokens: '9007199254740993.5' } },
      customerId: expect.any(String),
      isDuplicate: false,
    });
    expect(items[0].validationError).toBeUndefined();
    expect(items[1].validationError).toBeDefined();
    expect(items[2].validationError).toContain('no meter found for event type: unknown');
    expect(items[3]).toMatchObject({ event: { id: good.id }, isDuplicate: true });
    await stream.close();
  });

  it('shows requests that were refused, and why', async () => {
    const stream = await open('?onlyErrors=true');
    expect((await send([cloudEvent({}), { specversion: '1.0', id: '1' }])).status).toBe(400);
    await stream.until('the refusal came', () => itemsOf(stream).length === 1);
    expect(itemsOf(stream)[0].refused).toMatchObject({
      code: 'invalid_event',
      message: expect.stringContaining('nothing of this request was stored'),
      fields: expect.arrayContaining([expect.objectContaining({ field: '$[1].source' })]),
    });
    await stream.close();
  });

  it('shows only the subject, the type and the errors that were asked for', async () => {
    const bySubject = await open('?subject=acme');
    const byType = await open('?type=prompt');
    const errors = await open('?onlyErrors=true');
    await send([
      cloudEvent({ type: 'prompt', subject: 'acme', data: { tokens: 1 } }),
      cloudEvent({ type: 'prompt', subject: 'globex', data: { tokens: 1 } }),
      cloudEvent({ type: 'other', subject: 'acme' }),
    ]);
    const idsOf = (stream: Awaited<ReturnType<typeof open>>) =>
      itemsOf(stream).map(({ event }) => `${event.type} ${event.subject}`);
    await bySubject.until('by subject', () => itemsOf(bySubject).length === 2);
    await byType.until('by type', () => itemsOf(byType).length === 2);
    await errors.until('errors', () => itemsOf(errors).length === 2);
    expect(idsOf(bySubject)).toEqual(['prompt acme', 'other acme']);
    expect(idsOf(byType)).toEqual(['prompt acme', 'prompt globex']);
    // globex is nobody's customer, and nothing counts "other".
    expect(idsOf(errors)).toEqual(['prompt globex', 'other acme']);
    for (const stream of [bySubject, byType, errors]) await stream.close();
  });

  it('passes over what is too much for a reader, and says how much that was', async () => {
    const stream = await open();
    await send(Array.from({ length: 1_000 }, () => cloudEvent({ subject: 'acme', type: 'prompt' })));
    await stream.until(
      'all were shown or counted',
      (received) =>
        received.reduce((sum, { data }) => sum + data.items.length + data.passedOver, 0) === 1_000,
    );
    for (const { data } of stream.events) expect(data.items.length).toBeLessThanOrEqual(100);
    await stream.close();
  });
});
