import { ConfigurationError, readConfiguration } from '../../src/config/configuration';
import { createWeek, keepUpEvents, listEvents, weekMs, weekOf } from '../../src/events';
import { cloudEvent } from '../support/cloud-events';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

const day = 86_400_000;

describeOnEachStorage('the upkeep of stored events', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  const thisWeek = weekOf(Date.now());

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database, { configuration: { eventRetentionDays: 0 } });
    await app.request('POST', '/api/v1/meters', {
      slug: 'm',
      aggregation: 'COUNT',
      eventType: 'kong.api_request',
    });
    for (const week of [thisWeek - 10, thisWeek - 6, thisWeek - 5]) await makeOldWeek(week);
    await app.request('POST', '/api/v1/events', [cloudEvent({ id: 'fresh' })]);
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  /** A week as ingest would have left it long ago. */
  const makeOldWeek = (week: number) =>
    opened.database.transaction(async (transaction) => {
      await createWeek(transaction, week, week * weekMs);
      await transaction.query(
        `INSERT INTO event_${week} (seq, received_at, id, source, type, subject, time)
         VALUES (1, $1, $2, 's', 'kong.api_request', 'acme-inc', $1)`,
        [week * weekMs, `week-${week}`],
      );
    });
  const keepUp = async (retentionMs: number | undefined, graceMs = 0) => {
    const retired: number[] = [];
    const errors: unknown[] = [];
    await keepUpEvents({
      database: opened.database,
      retentionMs,
      graceMs,
      onRetired: (weeks) => retired.push(...weeks),
      onError: (error) => errors.push(error),
    });
    expect(errors).toEqual([]);
    return retired;
  };
  const tables = async () => {
    const { rows } = await opened.database.query<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE tablename ~ '^event_[0-9]+$' ORDER BY 1`,
    );
    return rows.map((row) => Number(row.name.slice(6))).filter((week) => week <= thisWeek);
  };
  const listed = async () => (await listEvents(opened.database, {}, undefined, 100)).map(({ id }) => id);

  it('keeps everything without a retention, and indexes the weeks that are over', async () => {
    expect(await keepUp(undefined)).toEqual([]);
    expect(await tables()).toEqual([thisWeek - 10, thisWeek - 6, thisWeek - 5, thisWeek]);
    const { rows } = await opened.database.query<{ name: string }>(
      `SELECT indexname AS name FROM pg_indexes WHERE indexname LIKE 'event_%_subject' ORDER BY 1`,
    );
    expect(rows.map((row) => row.name)).toEqual(
      [thisWeek - 10, thisWeek - 6, thisWeek - 5].map((week) => `event_${week}_subject`),
    );
  });

  it('takes a week that is past its retention off the list at once, and drops its table after the grace', async () => {
    expect(await keepUp(9 * 7 * day, 1_000_000)).toEqual([thisWeek - 10]);
    expect(await tables()).toContain(thisWeek - 10);
    expect(await listed()).toEqual(['fresh', `week-${thisWeek - 5}`, `week-${thisWeek - 6}`]);
    expect(await keepUp(9 * 7 * day)).toEqual([]);
    expect(await tables()).toEqual([thisWeek - 6, thisWeek - 5, thisWeek]);
  });

  it('drops no week that the deduplication window reaches into, so that a resend is still found', async () => {
    await keepUp(35 * day);
    expect(await tables()).toContain(thisWeek - 5);
    const response = await app.request(
      'POST',
      '/api/v1/events',
      [cloudEvent({ id: `week-${thisWeek - 5}`, source: 's' })],
      { prefer: 'return=representation' },
    );
    expect(await response.json()).toMatchObject({ accepted: [], duplicates: [{ source: 's' }] });
  });

  it('leaves the usage of dropped events as it was', async () => {
    const usage = async () =>
      ((await (await app.request('GET', '/api/v1/meters/m/query')).json()) as { data: unknown }).data;
    const before = await usage();
    await opened.database.query('DELETE FROM event_week WHERE week = $1', [thisWeek]);
    expect(await usage()).toEqual(before);
    await opened.database.query('INSERT INTO event_week (week, created_at) VALUES ($1, 0)', [thisWeek]);
  });
});

describe('the retention of events', () => {
  it('may not be shorter than the deduplication window', () => {
    const read = () =>
      readConfiguration({ TOLLGATE_EVENT_RETENTION_DAYS: '30', TOLLGATE_DEDUP_WINDOW_DAYS: '35' });
    expect(read).toThrow(ConfigurationError);
    expect(read).toThrow(/TOLLGATE_EVENT_RETENTION_DAYS=30: must be 0 or at least/);
    expect(readConfiguration({ TOLLGATE_EVENT_RETENTION_DAYS: '0' }).eventRetentionDays).toBe(0);
  });
});
