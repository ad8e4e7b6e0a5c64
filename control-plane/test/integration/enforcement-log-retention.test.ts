import { appendLog } from '../../src/enforcement/log-store';
import { trimLog } from '../../src/enforcement/trim-log';
import { createIdentifierSource } from '../../src/primitives/identifiers';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

const dayMs = 86_400_000;

describeOnEachStorage('the retention of the access log', (storage) => {
  let opened: TestDatabase;

  beforeEach(async () => {
    opened = await storage.open();
  });
  afterEach(() => opened?.drop());

  /** Entries with the ids of their time, as the stage writes them. */
  const write = async (times: readonly number[]): Promise<void> => {
    const entries = times.map((at) => ({
      id: createIdentifierSource({ now: () => at })(),
      at,
      gatewayId: 'g1',
      gatewayKey: 'edge',
      policyId: 'p1',
      featureKey: 'requests',
      customerId: 'c1',
      customerKey: 'acme',
      consumerId: 'k1',
      consumer: 'acme',
      access: 'out' as const,
      outcome: 'done' as const,
      reason: 'not_entitled',
      cause: 'usage',
      causedAt: at,
      durationMs: 1,
      callMs: 1,
      changes: [],
      errorCode: null,
      error: null,
    }));
    for (let start = 0; start < entries.length; start += 1_000)
      await appendLog(opened.database, entries.slice(start, start + 1_000));
  };
  const times = async (): Promise<number[]> =>
    (await opened.database.query<{ at: number }>('SELECT at FROM access_log ORDER BY id')).rows.map(
      ({ at }) => at,
    );

  it('removes what is older, however much it is, and nothing else', async () => {
    const now = Date.now();
    await write(Array.from({ length: 4_500 }, (_, index) => now - 3 * dayMs + index));
    const kept = [now - dayMs, now - 1, now];
    await write(kept);
    expect(await trimLog(opened.database, now - dayMs)).toBe(4_500);
    expect(await times()).toEqual(kept);
    expect(await trimLog(opened.database, now - dayMs)).toBe(0);
  });

  it('is shared by replicas that trim at the same time', async () => {
    const now = Date.now();
    await write(Array.from({ length: 3_000 }, (_, index) => now - 3 * dayMs + index));
    const removed = await Promise.all([1, 2, 3].map(() => trimLog(opened.database, now - dayMs)));
    const rest = await trimLog(opened.database, now - dayMs);
    expect(removed.reduce((sum, count) => sum + count, rest)).toBe(3_000);
    expect(await times()).toEqual([]);
  });

  it.each([
    [2, 1],
    [0, 2],
  ])('is what the setting says in days: with %i the start leaves %i of 2 entries', async (days, left) => {
    const now = Date.now();
    await write([now - 3 * dayMs, now - dayMs]);
    const app = await startTestApp(opened.database, { configuration: { accessLogRetentionDays: days } });
    try {
      await waitUntil('the log is trimmed', async () => (await times()).length === left);
    } finally {
      await app.stop();
    }
    expect((await times()).length).toBe(left);
  });
});
