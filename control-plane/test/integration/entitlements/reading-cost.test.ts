import type { Database } from '../../../src/storage';
import { cloudEvent } from '../../support/cloud-events';
import { ManualClock } from '../../support/manual-clock';
import { describeOnEachStorage, type TestDatabase } from '../../support/storages';
import { storeMeter } from '../../support/stored-meter';
import { startTestApp, type TestApp } from '../../support/test-app';

const start = Date.parse('2024-02-29T00:00:00Z');
const day = 86_400_000;

/** Passes everything on and counts statements and the rows that they returned. */
const counting = (database: Database) => {
  const cost = { statements: 0, rows: 0 };
  const counted = (query: Database['query']): Database['query'] =>
    (async (text: string, values?: readonly unknown[]) => {
      const result = await query(text, values);
      cost.statements += 1;
      cost.rows += result.rows.length;
      return result;
    }) as Database['query'];
  const observed: Database = {
    ...database,
    query: counted(database.query),
    transaction: (work) =>
      database.transaction((transaction) => work({ ...transaction, query: counted(transaction.query) })),
  };
  return { observed, cost };
};

describeOnEachStorage('reading a balance', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  let cost: { statements: number; rows: number };
  const clock = new ManualClock(start);

  beforeAll(async () => {
    opened = await storage.open();
    const counted = counting(opened.database);
    cost = counted.cost;
    app = await startTestApp(counted.observed, { clock });
    await storeMeter(opened.database, { slug: 'calls' });
    await app.request('POST', '/api/v1/features', { key: 'calls', name: 'Calls', meterSlug: 'calls' });
    await app.request('POST', '/api/v1/subjects/s/entitlements', {
      type: 'metered',
      featureKey: 'calls',
      usagePeriod: { interval: 'DAY' },
      issueAfterReset: 10,
      preserveOverageAtReset: true,
    });
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  const costOf = async (path: string) => {
    // The scheduler looks by itself now and then; the least of a few readings is what the reading costs.
    const readings: { statements: number; rows: number }[] = [];
    for (let index = 0; index < 5; index += 1) {
      const before = { ...cost };
      const response = await app.request('GET', path);
      expect(response.status).toBe(200);
      readings.push({ statements: cost.statements - before.statements, rows: cost.rows - before.rows });
    }
    return readings.reduce((least, reading) => (reading.rows < least.rows ? reading : least));
  };
  const value = '/api/v1/subjects/s/entitlements/calls/value';
  const use = () =>
    app.request(
      'POST',
      '/api/v1/events',
      cloudEvent({ type: 'calls', subject: 's', time: new Date(clock.now()).toISOString() }),
    );

  it('takes one statement, and costs the same after a year of days as on the first', async () => {
    await use();
    const first = await costOf(value);
    const firstAt = await costOf(`${value}?time=${new Date(clock.now()).toISOString()}`);
    expect(first).toEqual({ statements: 1, rows: 1 });
    for (let index = 0; index < 366; index += 1) {
      clock.advance(day);
      if (index % 30 === 0) {
        await use();
        await app.request('POST', '/api/v1/subjects/s/entitlements/calls/grants', {
          amount: 1,
          effectiveAt: new Date(clock.now()).toISOString(),
          expiration: { duration: 'DAY', count: 1 },
        });
      }
    }
    await use();
    expect(await costOf(value)).toEqual(first);
    const lastAt = await costOf(`${value}?time=${new Date(clock.now()).toISOString()}`);
    expect(lastAt.statements).toBeLessThanOrEqual(firstAt.statements);
    // The snapshot of the day is one row more than on the first day, which had none.
    expect(lastAt.rows).toBeLessThanOrEqual(firstAt.rows + 1);
    expect(await (await app.request('GET', value)).json()).toMatchObject({ usage: 1, balance: 9 });
  });
});
