import { createFeatureRegistry } from '../../src/catalog';
import {
  createWeek,
  createWeekFilters,
  type FilterOfWeek,
  openWeek,
  type UsageEvent,
  weekMs,
  weekOf,
} from '../../src/events';
import { createMeterRegistry, createRollupStore } from '../../src/metering';
import { createIngestPipeline } from '../../src/pipeline';
import { systemClock } from '../../src/primitives/clock';
import { changeDefinitions, type Database } from '../../src/storage';
import { openNodePostgres } from '../../src/storage/postgres/node-postgres';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { waitUntil } from '../support/wait-until';

const dayMs = 86_400_000;
const dedupWindowMs = 35 * dayMs;
const present = weekOf(Date.now());
const noFilters: FilterOfWeek = () => undefined;

let next = 0;
const freshId = (): string => {
  next += 1;
  return `e${next}`;
};
const event = (id = freshId(), overrides: Partial<UsageEvent> = {}): UsageEvent => ({
  id,
  source: 'gateway',
  type: 'request',
  subject: `subject-${id.length % 3}`,
  time: Date.now(),
  data: { route: 'a' },
  dataText: '{"route":"a"}',
  attributesText: null,
  ...overrides,
});

/** One process' way from events to tables; the entitlement stages have nothing to do here. */
const pipelineOn = (database: Database, filterOf = noFilters) =>
  createIngestPipeline({
    database,
    meters: createMeterRegistry(),
    features: createFeatureRegistry(),
    rollups: createRollupStore(database),
    settle: async () => [],
    clock: systemClock,
    filterOf,
    dedupWindowMs,
  });

/** A database where, each of so many times that a batch is planned, somebody changes the definitions right after. */
const restless = (database: Database, changes: number): Database => {
  let left = changes;
  return Object.assign(Object.create(database) as Database, {
    query: async (text: string, parameters?: unknown[]) => {
      const result = await database.query(text, parameters);
      if (left > 0 && text.includes('AS definitions')) {
        left -= 1;
        await database.transaction(changeDefinitions);
      }
      return result;
    },
  });
};

describeOnEachStorage('the event store', (storage) => {
  let opened: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    opened = await storage.open();
    database = opened.database;
    await database.transaction(async (transaction) => {
      await changeDefinitions(transaction);
      await transaction.query(
        `INSERT INTO meter (id, slug, aggregation, event_type, group_by, counts_from_seq, created_at, updated_at)
         VALUES ('m1', 'requests', 'COUNT', 'request', '{"route":"$.route"}', 0, 0, 0)`,
      );
    });
  });
  afterAll(() => opened.drop());

  const count = async (statement: string): Promise<number> =>
    Number((await database.query<{ n: number }>(statement)).rows[0]!.n ?? 0);
  const stored = (week = present) => count(`SELECT count(*) AS n FROM event_${week}`);
  const counted = (level: number) =>
    count(
      `SELECT sum(r.count)::bigint AS n FROM rollup r JOIN series s ON s.id = r.series_id WHERE s.level = ${level}`,
    );

  /** An event received `weeksAgo`, as ingest would have left it. */
  const storeInWeek = async (week: number, { id, source }: UsageEvent): Promise<void> => {
    await database.transaction((transaction) => createWeek(transaction, week, week * weekMs));
    await database.query(
      `INSERT INTO event_${week} (seq, received_at, id, source, type, subject, time)
       VALUES (0, $1, $2, $3, 'request', 'acme', $1)`,
      [week * weekMs, id, source],
    );
  };

  it('keeps the earlier of two equal events in one batch', async () => {
    const commit = pipelineOn(database);
    const first = event('twice', { subject: 'first' });
    const duplicates = await commit([event(), first, event(), { ...first, subject: 'second' }]);
    expect([...duplicates]).toEqual([3]);
    const { rows } = await database.query(`SELECT subject FROM event_${present} WHERE id = 'twice'`);
    expect(rows).toEqual([{ subject: 'first' }]);
  });

  it('stores a batch although the definitions change each time that it is planned', async () => {
    const before = await stored();
    await pipelineOn(restless(database, 50))([event(), event()]);
    expect(await stored()).toBe(before + 2);
  });

  it('gives a batch up whose definitions never rest, stores nothing of it, and says that it may be sent again', async () => {
    const before = await stored();
    const commit = pipelineOn(restless(database, Number.POSITIVE_INFINITY));
    const failure = await commit([event()]).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'storage_conflict', isRetryable: true });
    expect(await stored()).toBe(before);
  });

  it('finds a duplicate in every week of the window, and none beyond it', async () => {
    const known = [1, 2, 4, 5].map((weeksAgo) => ({ weeksAgo, event: event(`week-${weeksAgo}`) }));
    for (const { weeksAgo, event: old } of known) await storeInWeek(present - weeksAgo, old);
    const forgotten = event('long-ago');
    await storeInWeek(present - 8, forgotten);
    const before = await stored();
    const duplicates = await pipelineOn(database)([event(), ...known.map((one) => one.event), forgotten]);
    expect([...duplicates]).toEqual([1, 2, 3, 4]);
    expect(await stored()).toBe(before + 2);
  });

  it('answers with filters of ended weeks as it does without them', async () => {
    const filters = createWeekFilters({
      database,
      pageSize: 2,
      onError: (error) => {
        throw error;
      },
    });
    const old = Array.from({ length: 5 }, (_, index) => event(`filtered-${index}`));
    for (const one of old) await storeInWeek(present - 3, one);
    await filters.refresh();
    expect(filters.filterOf(present - 3)).toBeDefined();
    expect(filters.filterOf(present)).toBeUndefined();
    const duplicates = await pipelineOn(database, filters.filterOf)([event(), ...old, event()]);
    expect([...duplicates]).toEqual([1, 2, 3, 4, 5]);
    await filters.stop();
  });

  it('makes no filter that the memory has no room for', async () => {
    const filters = createWeekFilters({ database, limitBytes: 1, onError: () => undefined });
    await filters.refresh();
    expect(filters.filterOf(present - 3)).toBeUndefined();
    await filters.stop();
  });

  it('counts events once that arrive many times at once, in any order and grouping', async () => {
    const before = {
      stored: await stored(),
      minutes: await counted(0),
      hours: await counted(1),
      all: await counted(2),
    };
    const shared = Array.from({ length: 60 }, () => event());
    const databases =
      opened.url === undefined
        ? [database]
        : [database, ...[1, 2].map(() => openNodePostgres({ connectionString: opened.url! }))];
    const pipelines = databases.map((one) => pipelineOn(one));
    // Every round sends all events, rotated and cut elsewhere, through every process.
    const rounds = Array.from({ length: 12 }, (_, round) => {
      const rotated = [...shared.slice(round * 5), ...shared.slice(0, round * 5)];
      const events = round % 2 === 0 ? rotated : rotated.reverse();
      const cut = 10 + round * 4;
      return [events.slice(0, cut), events.slice(cut)];
    });
    const results = await Promise.all(
      rounds.flatMap((parts, round) =>
        parts.map(async (part) => {
          const duplicates = await pipelines[round % pipelines.length]!(part);
          return part.length - duplicates.size;
        }),
      ),
    );
    expect(results.reduce((sum, fresh) => sum + fresh, 0)).toBe(60);
    expect(await stored()).toBe(before.stored + 60);
    expect(await counted(0)).toBe(before.minutes + 60);
    expect(await counted(1)).toBe(before.hours + 60);
    expect(await counted(2)).toBe(before.all + 60);
    for (const other of databases.slice(1)) await other.close();
  });

  it('opens a week only after the batches under way, and stores the following ones there', async () => {
    const commit = pipelineOn(database);
    await commit([event()]);
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const steps: string[] = [];
    let isHolding = false;
    const running = database.transaction(async (transaction) => {
      await transaction.query('SELECT pg_advisory_xact_lock_shared(7210002)');
      isHolding = true;
      await held;
      steps.push('batch ends');
    });
    await waitUntil('the batch runs', () => isHolding);
    const opening = openWeek(database, present + 1, Date.now()).then(() => steps.push('week opens'));
    const unknown = event('between-weeks');
    setImmediate(release);
    await Promise.all([running, opening]);
    expect(steps).toEqual(['batch ends', 'week opens']);
    await commit([unknown]);
    expect(await stored(present + 1)).toBe(1);
    expect([...(await commit([unknown]))]).toEqual([0]);
  });
});

describeOnEachStorage('a new installation', (storage) => {
  it('opens its first week for the first batch, once for batches that meet', async () => {
    const opened = await storage.open();
    const commit = pipelineOn(opened.database);
    const results = await Promise.all([commit([event()]), commit([event()]), commit([event()])]);
    expect(results.map((duplicates) => duplicates.size)).toEqual([0, 0, 0]);
    const { rows } = await opened.database.query(`SELECT count(*) AS n FROM event_${present}`);
    expect(rows).toEqual([{ n: 3 }]);
    await opened.drop();
  });
});
