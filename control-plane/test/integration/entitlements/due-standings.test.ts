import { createDueAlarm, createDueStandingsWorker } from '../../../src/entitlements';
import { createSettle } from '../../../src/pipeline';
import type { Clock } from '../../../src/primitives/clock';
import { createIdentifierSource } from '../../../src/primitives/identifiers';
import { createWatchRegistry, type Facts } from '../../../src/thresholds';
import { type EntitledCustomer, entitleCustomer } from '../../support/entitled-customer';
import { ManualClock } from '../../support/manual-clock';
import { describeOnEachStorage, type TestDatabase } from '../../support/storages';
import { waitUntil } from '../../support/wait-until';

const start = Date.parse('2025-03-01T00:00:00Z');
const hour = 3_600_000;

describeOnEachStorage('standings that are due', (storage) => {
  let opened: TestDatabase;
  const clock = new ManualClock(start);
  let customers: EntitledCustomer[] = [];

  beforeEach(async () => {
    opened = await storage.open();
    clock.set(start);
  });
  afterEach(() => opened.drop());

  /** A worker as a replica has it, and what it told. */
  const replica = (settleFails: (ids: readonly string[]) => boolean = () => false, at: Clock = clock) => {
    const told: Facts[] = [];
    const failed: string[] = [];
    const alarm = createDueAlarm(at);
    const settle = createSettle({
      watches: createWatchRegistry(),
      newId: createIdentifierSource(),
      recorders: [
        async (_, facts) => {
          told.push(facts);
        },
      ],
      alarm,
    });
    const worker = createDueStandingsWorker({
      database: opened.database,
      clock: at,
      alarm,
      settle: async (transaction, changes, cause, now) => {
        if (settleFails(changes.map(({ entitlementId }) => entitlementId))) throw new Error('cannot');
        return settle(transaction, changes, cause, now);
      },
      onError: (_, ids) => failed.push(...ids),
    });
    const resets = () =>
      told.flatMap((facts) =>
        facts.resets.map(({ evaluation, at: when }) => ({ id: evaluation.entitlement.id, when })),
      );
    const accessChanges = () => told.flatMap((facts) => facts.accessChanges);
    return { ...worker, resets, accessChanges, failed };
  };

  const entitle = async (count: number, allowance = '10') => {
    customers = [];
    for (let index = 0; index < count; index += 1) {
      customers.push(
        await entitleCustomer({
          database: opened.database,
          from: start,
          subject: `due-${index}`,
          allowance,
          interval: 'PT1H',
        }),
      );
    }
  };

  const dueCount = async () => {
    const { rows } = await opened.database.query<{ n: number }>(
      'SELECT count(*) AS n FROM entitlement_standing WHERE valid_until <= $1',
      [clock.now()],
    );
    return rows[0]!.n;
  };

  it('are settled at their instant, once, by several replicas together', async () => {
    await entitle(30);
    const replicas = [replica(), replica()];
    for (const one of replicas) one.start();
    clock.set(start + hour - 1);
    await waitUntil('nothing is due before its time', async () => (await dueCount()) === 0);
    expect(replicas.flatMap((one) => one.resets())).toEqual([]);
    clock.set(start + hour);
    await waitUntil('all are settled', async () => (await dueCount()) === 0);
    for (const one of replicas) await one.stop();
    const resets = replicas.flatMap((one) => one.resets());
    expect(resets.map(({ id }) => id).sort()).toEqual(
      customers.map(({ entitlementId }) => entitlementId).sort(),
    );
    expect(new Set(resets.map(({ when }) => when))).toEqual(new Set([start + hour]));
  });

  it('tell every period that ended while no process was running', async () => {
    await entitle(1);
    clock.set(start + 3 * hour + 1);
    const after = replica();
    after.start();
    await waitUntil('all are settled', async () => (await dueCount()) === 0);
    await after.stop();
    expect(after.resets().map(({ when }) => when)).toEqual([
      start + hour,
      start + 2 * hour,
      start + 3 * hour,
    ]);
  });

  it('give access back when the period ends, and take it when the entitlement does', async () => {
    await entitle(1);
    await opened.database.query('UPDATE entitlement_standing SET usage = 10, has_access = false');
    await opened.database.query('UPDATE entitlement SET active_to = $1', [start + 2 * hour]);
    const one = replica();
    one.start();
    clock.set(start + hour);
    await waitUntil('access is back', () => one.accessChanges().length === 1);
    clock.set(start + 2 * hour);
    await waitUntil('access is gone', () => one.accessChanges().length === 2);
    await one.stop();
    expect(one.accessChanges().map(({ hasAccess, cause }) => [hasAccess, cause])).toEqual([
      [true, 'reset'],
      [false, 'schedule'],
    ]);
    const { rows } = await opened.database.query('SELECT 1 FROM entitlement_standing');
    expect(rows).toEqual([]);
  });

  it('are not held up by one that cannot be settled', async () => {
    await entitle(5);
    const broken = customers[2]!.entitlementId;
    const one = replica((ids) => ids.includes(broken));
    one.start();
    clock.set(start + hour);
    await waitUntil('the others are settled', () => one.resets().length === 4);
    await one.stop();
    expect(new Set(one.failed)).toEqual(new Set([broken]));
    expect(await dueCount()).toBe(1);
  });

  it('are noticed when they appear while the worker sleeps', async () => {
    await entitle(1);
    const one = replica();
    one.start();
    await entitleCustomer({
      database: opened.database,
      from: start - hour,
      subject: 'late',
      allowance: '5',
      featureKey: 'other',
      interval: 'PT1H',
    });
    await waitUntil('the new one is settled', () => one.resets().length === 1);
    await one.stop();
  });
});
