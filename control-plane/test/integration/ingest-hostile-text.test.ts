import { cloudEvent } from '../support/cloud-events';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

/** Text that no compression makes small. */
const noise = (length: number, first: number): string => {
  let state = first;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return String.fromCodePoint(0x4e00 + ((state >>> 8) % 20_000));
  }).join('');
};

describeOnEachStorage('ingest of long and broken text', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database);
    const groupBy = Object.fromEntries(
      Array.from({ length: 12 }, (_, index) => [`g${index}`, `$.g${index}`]),
    );
    for (const [slug, aggregation] of [
      ['sum', 'SUM'],
      ['distinct', 'UNIQUE_COUNT'],
    ])
      await app.request('POST', '/api/v1/meters', {
        slug,
        aggregation,
        eventType: 'long',
        valueProperty: '$.value',
        groupBy,
      });
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  const send = (overrides: Record<string, unknown>) =>
    app.request('POST', '/api/v1/events', [cloudEvent({ type: 'long', ...overrides })]);
  const sumOf = async (subject: string) => {
    const response = await app.request('POST', '/api/v1/meters/sum/query', { subject: [subject] });
    return ((await response.json()) as { data: { value: number }[] }).data.map(({ value }) => value);
  };

  it('counts an event whose group-by values are as long as they may be', async () => {
    const data = Object.fromEntries(
      Array.from({ length: 12 }, (_, index) => [`g${index}`, noise(512, index + 1)]),
    );
    const subject = noise(300, 77);
    expect((await send({ subject, data: { ...data, value: 1 } })).status).toBe(204);
    expect((await send({ subject, data: { ...data, value: 2 } })).status).toBe(204);
    expect(await sumOf(subject)).toEqual([3]);
  });

  it('counts an event whose group-by value holds half a character', async () => {
    expect((await send({ subject: 'half', data: { g0: '\ud83d', value: 1 } })).status).toBe(204);
    expect((await send({ subject: 'half', data: { g0: `${'x'.repeat(511)}😀`, value: 2 } })).status).toBe(
      204,
    );
    expect(await sumOf('half')).toEqual([3]);
  });

  it('tells apart distinct values up to a limit in bytes, and says so of longer ones', async () => {
    expect((await send({ subject: 'distinct', data: { value: noise(341, 5) } })).status).toBe(204);
    expect((await send({ subject: 'distinct', data: { value: noise(1_024, 6) } })).status).toBe(204);
    const response = await app.request('GET', '/api/v1/meters/distinct/query?subject=distinct');
    expect(await response.json()).toMatchObject({ data: [{ value: 1 }] });
    const listed = await app.request('GET', '/api/v1/events?subject=distinct');
    expect(await listed.text()).toContain('a unique value has at most 1024 bytes');
  });

  it.each(['id', 'source', 'subject', 'type'])('refuses a longer %s by name', async (field) => {
    const accepted = await send({ [field]: noise(341, 9) });
    expect(accepted.status).toBe(204);
    const refused = await send({ [field]: noise(342, 10) });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({
      extensions: { validationErrors: [{ field: `$[0].${field}`, code: 'maxLength' }] },
    });
  });
});
