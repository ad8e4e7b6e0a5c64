import fc from 'fast-check';
import { createFeatureRegistry } from '../../src/catalog';
import type { UsageEvent } from '../../src/events';
import {
  type Aggregation,
  createMeterCatalog,
  createMeterRegistry,
  createRollupStore,
} from '../../src/metering';
import { createIngestPipeline, createSettle } from '../../src/pipeline';
import { systemClock } from '../../src/primitives/clock';
import { toQuantity } from '../../src/primitives/decimal';
import { createIdentifierSource } from '../../src/primitives/identifiers';
import { changeDefinitions } from '../../src/storage';
import { createWatchRegistry, saveWatch } from '../../src/thresholds';
import { entitleCustomer } from '../support/entitled-customer';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';

const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
const newId = createIdentifierSource();
const start = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 2 * 86_400_000 - 90_000;
const counted: Aggregation[] = ['SUM', 'MIN', 'MAX', 'LATEST', 'UNIQUE_COUNT'];

interface Happening {
  /** Milliseconds after `start`: no two are equal, so that LATEST does not depend on the order of ingestion. */
  offset: number;
  subject: 'acme' | 'globex';
  model: string;
  value: string;
}

const happening = fc.record({
  offset: fc.oneof(
    fc.integer({ min: 0, max: 300_000 }),
    fc.integer({ min: 0, max: 5 }).map((n) => n * 60_000),
  ),
  subject: fc.constantFrom('acme' as const, 'globex' as const),
  model: fc.constantFrom('a', 'b'),
  value: fc.constantFrom('0.1', '0.2', '1', '2.5', '5', '0.30000000000000004'),
});

/** Events, and one way in which they may arrive: in any order, some again, in batches of any size. */
const scenario = fc
  .uniqueArray(happening, { selector: ({ offset }) => offset, minLength: 1, maxLength: 30, size: 'max' })
  .chain((happenings) => {
    const positions = happenings.map((_, index) => index);
    return fc.record({
      happenings: fc.constant(happenings),
      again: fc.array(fc.nat(positions.length - 1), { maxLength: 12 }),
      sizes: fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 10 }),
      shuffle: fc.array(fc.nat(), { minLength: 45, maxLength: 45 }),
    });
  });

const batchesOf = (again: number[], count: number, sizes: number[], shuffle: number[]): number[][] => {
  const arrivals = [...Array.from({ length: count }, (_, index) => index), ...again]
    .map((position, index) => ({ position, rank: shuffle[index % shuffle.length]! }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ position }) => position);
  const batches: number[][] = [];
  for (let index = 0, from = 0; from < arrivals.length; index += 1) {
    const size = sizes[index % sizes.length]!;
    batches.push(arrivals.slice(from, from + size));
    from += size;
  }
  return batches;
};

describeOnEachStorage(`counting (TEST_SEED=${seed})`, (storage) => {
  let opened: TestDatabase;
  let worlds = 0;

  beforeAll(async () => {
    opened = await storage.open();
  });
  afterAll(() => opened.drop());

  const replica = (shard: number) => {
    const settle = createSettle({ watches: createWatchRegistry(), newId, recorders: [] });
    return createIngestPipeline({
      database: opened.database,
      meters: createMeterRegistry(),
      features: createFeatureRegistry(),
      rollups: createRollupStore(opened.database, shard),
      settle,
      clock: systemClock,
      filterOf: () => undefined,
      dedupWindowMs: 35 * 86_400_000,
    });
  };

  /** Meters of every kind for an event type of their own, and an entitlement of 10 with lines at half and all of it. */
  const makeWorld = async () => {
    worlds += 1;
    const type = `usage_${worlds}`;
    const { database } = opened;
    const catalog = createMeterCatalog({
      database,
      clock: systemClock,
      newId,
      guard: { beforeDelete: async () => {}, beforeGroupByDrop: async () => {} },
      onBackfill: () => {},
    });
    for (const aggregation of counted)
      await catalog.create({
        slug: `${type}_${aggregation.toLowerCase()}`,
        name: null,
        description: null,
        aggregation,
        eventType: type,
        eventFrom: null,
        valueProperty: '$.value',
        groupBy: { model: '$.model' },
        metadata: {},
      });
    const { id } = await catalog.get(`${type}_sum`);
    await database.transaction(async (transaction) => {
      await changeDefinitions(transaction);
      await transaction.query(
        `INSERT INTO feature (id, key, name, meter_id, filters, created_at, updated_at)
         VALUES ($1, $1, $1, $2, '{"model": {"$eq": "a"}}', 0, 0)`,
        [type, id],
      );
      await saveWatch(transaction, {
        ruleId: `rule-${type}`,
        features: [type],
        lines: [
          { type: 'usage_percentage', value: toQuantity(50) },
          { type: 'usage_percentage', value: toQuantity(100) },
          { type: 'usage_value', value: toQuantity(12) },
        ],
      });
    });
    const { entitlementId } = await entitleCustomer({
      database,
      from: start - 1,
      subject: `acme-${type}`,
      allowance: '10',
      featureKey: type,
    });
    return { type, entitlementId };
  };

  const toEvent = (type: string, { offset, subject, model, value }: Happening): UsageEvent => {
    const data = { model, value };
    return {
      id: `event-${offset}`,
      source: type,
      type,
      subject: `${subject}-${type}`,
      time: start + offset,
      data,
      dataText: JSON.stringify(data),
      attributesText: null,
    };
  };

  /** All that counting leaves behind, without what tells one world from another. */
  const stateOf = async ({ type, entitlementId }: { type: string; entitlementId: string }) => {
    const { database } = opened;
    const rows = async (text: string, values: unknown[]) => (await database.query(text, values)).rows;
    const series = `JOIN meter m ON m.number = s.meter_number
      WHERE m.event_type = $1`;
    return {
      rollups: await rows(
        `SELECT m.aggregation, s.level, replace(s.subject, $1, '') AS subject, s.groups::text AS groups, r.bucket,
           sum(r.count)::text AS count, trim_scale(sum(r.sum))::text AS sum, trim_scale(min(r.min))::text AS min,
           trim_scale(max(r.max))::text AS max,
           trim_scale((array_agg(r.latest ORDER BY r.latest_time DESC NULLS LAST))[1])::text AS latest,
           max(r.latest_time) AS latest_time
         FROM rollup r JOIN series s ON s.id = r.series_id ${series}
         GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5`,
        [type],
      ),
      values: await rows(
        `SELECT replace(s.subject, $1, '') AS subject, s.groups::text AS groups, v.bucket, v.value
         FROM rollup_value v JOIN series s ON s.id = v.series_id ${series} ORDER BY 1, 2, 3, 4`,
        [type],
      ),
      standing: await rows(
        `SELECT trim_scale(usage)::text AS usage, has_access, trim_scale(exhausts_at)::text AS exhausts_at
         FROM entitlement_standing WHERE entitlement_id = $1`,
        [entitlementId],
      ),
      crossings: await rows(
        'SELECT line, count(*)::text AS times FROM threshold_crossing WHERE entitlement_id = $1 GROUP BY 1 ORDER BY 1',
        [entitlementId],
      ),
    };
  };

  it('comes to the same totals, rollups and crossings however events arrive', async () => {
    let sawCrossings = 0;
    await fc.assert(
      fc.asyncProperty(scenario, async ({ happenings, again, sizes, shuffle }) => {
        const inOrder = await makeWorld();
        await replica(0)(happenings.map((item) => toEvent(inOrder.type, item)));

        const scattered = await makeWorld();
        const replicas = [replica(1), replica(2), replica(3)];
        const batches = batchesOf(again, happenings.length, sizes, shuffle);
        await Promise.all(
          replicas.map(async (commit, index) => {
            for (const batch of batches.filter((_, position) => position % replicas.length === index))
              await commit(batch.map((position) => toEvent(scattered.type, happenings[position]!)));
          }),
        );

        const expected = await stateOf(inOrder);
        sawCrossings += expected.crossings.length;
        expect(await stateOf(scattered)).toEqual(expected);

        const used = happenings
          .filter(({ subject, model }) => subject === 'acme' && model === 'a')
          .reduce((total, { value }) => total.plus(value), toQuantity(0));
        expect(expected.standing).toEqual([
          { usage: used.toFixed(), has_access: used.lt(10), exhausts_at: '10' },
        ]);
        expect(expected.crossings.map((row) => row.line)).toEqual(
          [
            used.gte(10) ? 'usage_percentage:100' : '',
            used.gte(5) ? 'usage_percentage:50' : '',
            used.gte(12) ? 'usage_value:12' : '',
          ].filter((line) => line !== ''),
        );
        expect(expected.crossings.every((row) => row.times === '1')).toBe(true);
      }),
      { seed, numRuns: 15 },
    );
    expect(sawCrossings).toBeGreaterThan(0);
  }, 120_000);
});
