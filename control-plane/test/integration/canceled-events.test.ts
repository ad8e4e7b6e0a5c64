import fc from 'fast-check';
import { createFeatureRegistry } from '../../src/catalog';
import type { UsageEvent } from '../../src/events';
import {
  aggregations,
  createMeterCatalog,
  createMeterRegistry,
  createRollupStore,
  stepBackfill,
} from '../../src/metering';
import {
  type CancellationOutcome,
  createCancellation,
  createIngestPipeline,
  createSettle,
  createSettleMeter,
} from '../../src/pipeline';
import { systemClock } from '../../src/primitives/clock';
import { formatQuantity, toQuantity, ZERO } from '../../src/primitives/decimal';
import { createIdentifierSource } from '../../src/primitives/identifiers';
import { changeDefinitions } from '../../src/storage';
import { createWatchRegistry, saveWatch } from '../../src/thresholds';
import { entitleCustomer } from '../support/entitled-customer';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';

const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
const newId = createIdentifierSource();
const start = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000 - 90_000;

interface Happening {
  offset: number;
  subject: 'acme' | 'globex';
  model: 'a' | 'b';
  value: string;
}

const happening: fc.Arbitrary<Happening> = fc.record({
  // A few instants, so that minutes, hours and even milliseconds are shared.
  offset: fc.constantFrom(0, 5, 30_000, 60_000, 89_999, 90_000, 150_000, 3_700_000),
  subject: fc.constantFrom('acme' as const, 'globex' as const),
  model: fc.constantFrom('a' as const, 'b' as const),
  value: fc.constantFrom('0.1', '1', '1', '2.5', '5', '9007199254740993'),
});

/** What happens at the same time: events come in, and others are taken back, some of them twice. */
const round = fc.record({
  events: fc.array(happening, { maxLength: 8 }),
  cancel: fc.array(fc.nat(), { maxLength: 6 }),
});
const rounds = fc.array(round, { minLength: 2, maxLength: 6 });

describeOnEachStorage(`events that are taken back (TEST_SEED=${seed})`, (storage) => {
  let opened: TestDatabase;
  let worlds = 0;
  beforeAll(async () => {
    opened = await storage.open();
  });
  afterAll(() => opened.drop());

  class World {
    readonly type: string;
    readonly events: (UsageEvent & { model: string })[] = [];
    readonly canceled = new Set<string>();
    entitlementId = '';
    private readonly settle = createSettle({ watches: createWatchRegistry(), newId, recorders: [] });
    private readonly rollups = createRollupStore(opened.database, 1);
    private readonly catalog = createMeterCatalog({
      database: opened.database,
      clock: systemClock,
      newId,
      guard: { beforeDelete: async () => {}, beforeGroupByDrop: async () => {} },
      onBackfill: () => {},
    });
    private readonly replicas = [0, 1].map((shard) =>
      createIngestPipeline({
        database: opened.database,
        meters: createMeterRegistry(),
        features: createFeatureRegistry(),
        rollups: createRollupStore(opened.database, shard),
        settle: this.settle,
        clock: systemClock,
        filterOf: () => undefined,
        dedupWindowMs: 35 * 86_400_000,
      }),
    );
    readonly cancelEvent = createCancellation({
      database: opened.database,
      features: createFeatureRegistry(),
      settle: this.settle,
      clock: systemClock,
    });

    constructor() {
      worlds += 1;
      this.type = `usage_${worlds}`;
    }

    /** One meter of each aggregation. */
    async define(suffix: string): Promise<string[]> {
      const ids: string[] = [];
      for (const aggregation of aggregations) {
        const meter = await this.catalog.create({
          slug: `${this.type}_${aggregation.toLowerCase()}_${suffix}`,
          name: null,
          description: null,
          aggregation,
          eventType: this.type,
          eventFrom: null,
          valueProperty: aggregation === 'COUNT' ? null : '$.value',
          groupBy: { model: '$.model' },
          metadata: {},
        });
        ids.push(meter.id);
      }
      return ids;
    }

    /** An entitlement of 10 for the model "a", with lines at half and all of it. */
    async entitle(): Promise<void> {
      const { database } = opened;
      const { id } = await this.catalog.get(`${this.type}_sum_live`);
      await database.transaction(async (transaction) => {
        await changeDefinitions(transaction);
        await transaction.query(
          `INSERT INTO feature (id, key, name, meter_id, filters, created_at, updated_at)
           VALUES ($1, $1, $1, $2, '{"model": {"$eq": "a"}}', 0, 0)`,
          [this.type, id],
        );
        await saveWatch(transaction, {
          ruleId: `rule-${this.type}`,
          features: [this.type],
          lines: [
            { type: 'usage_percentage', value: toQuantity(50) },
            { type: 'usage_percentage', value: toQuantity(100) },
            { type: 'usage_value', value: toQuantity(2) },
          ],
        });
      });
      const customer = await entitleCustomer({
        database,
        from: start - 1,
        subject: `acme-${this.type}`,
        allowance: '10',
        featureKey: this.type,
      });
      this.entitlementId = customer.entitlementId;
    }

    make(happenings: readonly Happening[]): UsageEvent[] {
      return happenings.map(({ offset, subject, model, value }) => {
        const data = { value, model };
        const event = {
          id: `${this.type}-${this.events.length}`,
          source: 'test',
          type: this.type,
          subject: `${subject}-${this.type}`,
          time: start + offset,
          data,
          dataText: JSON.stringify(data),
          attributesText: null,
        };
        this.events.push({ ...event, model });
        return event;
      });
    }

    async store(events: UsageEvent[], replica: number): Promise<void> {
      if (events.length > 0) await this.replicas[replica]!(events);
    }

    async cancel(id: string): Promise<CancellationOutcome> {
      const outcome = await this.cancelEvent({ id, source: 'test', type: this.type, receivedFrom: 0 });
      if (typeof outcome === 'object') this.canceled.add(id);
      return outcome;
    }

    async backfill(ids: readonly string[], pageSize: number): Promise<void> {
      const options = {
        database: opened.database,
        rollups: this.rollups,
        settleMeter: createSettleMeter(this.settle, systemClock),
        owner: 'test',
        pageSize,
      };
      for (const id of ids) while ((await stepBackfill(options, id)) === 'advanced');
    }

    /** The rollups of the meters of one name, as anybody who reads them sees them: shards added up. */
    async rollupsOf(suffix: string) {
      const { rows } = await opened.database.query(
        `SELECT m.aggregation, s.level, s.subject, s.groups::text AS groups, r.bucket, sum(r.count)::bigint AS count,
           trim_scale(sum(r.sum))::text AS sum, trim_scale(min(r.min))::text AS min, trim_scale(max(r.max))::text AS max,
           trim_scale((array_agg(r.latest ORDER BY r.latest_time DESC, r.latest_seq DESC))[1])::text AS latest,
           max(r.latest_time) AS latest_time,
           (SELECT string_agg(v.value, ',' ORDER BY v.value) FROM rollup_value v
            WHERE v.series_id = min(s.id) AND v.bucket = r.bucket) AS values
         FROM meter m JOIN series s ON s.meter_number = m.number JOIN rollup r ON r.series_id = s.id
         WHERE m.slug LIKE $1 GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5`,
        [`${this.type}\\_%\\_${suffix}`],
      );
      return rows;
    }

    async standing() {
      const { rows } = await opened.database.query<{
        usage: string;
        has_access: boolean;
        told: string | null;
      }>(
        `SELECT trim_scale(u.usage)::text AS usage, u.has_access,
           (SELECT string_agg(line, ',' ORDER BY line) FROM threshold_crossing c
            WHERE c.entitlement_id = u.entitlement_id AND c.rearmed_at IS NULL) AS told
         FROM entitlement_standing u WHERE entitlement_id = $1`,
        [this.entitlementId],
      );
      return rows[0];
    }

    expectedStanding() {
      const usage = this.events
        .filter(
          ({ id, model, subject }) => !this.canceled.has(id) && model === 'a' && subject.startsWith('acme'),
        )
        .reduce((sum, { data }) => sum.plus(toQuantity(data!.value as string)), ZERO);
      const reached = [
        ['usage_percentage:100', 10],
        ['usage_percentage:50', 5],
        ['usage_value:2', 2],
      ].flatMap(([line, from]) => (usage.gte(from as number) ? [line] : []));
      return {
        usage: formatQuantity(usage),
        has_access: usage.lt(10),
        told: reached.length > 0 ? reached.join(',') : null,
      };
    }
  }

  it('leave every aggregation, balance and line as if they had never come, whatever happens beside', async () => {
    await fc.assert(
      fc.asyncProperty(rounds, async (list) => {
        const world = new World();
        await world.define('live');
        await world.entitle();
        let late: string[] = [];
        for (const [index, { events, cancel }] of list.entries()) {
          const made = world.make(events);
          // A meter that is created when events are there already, and counts them while some of them are taken back.
          if (index === Math.floor(list.length / 2)) late = await world.define('late');
          const ids = cancel.flatMap(
            (pick) => world.events[pick % Math.max(1, world.events.length)]?.id ?? [],
          );
          await Promise.all([
            world.store(made.slice(0, 4), 0),
            world.store(made.slice(2), 1),
            world.backfill(late, 2),
            ...ids.map((id) => world.cancel(id)),
          ]);
        }
        await world.backfill(late, 2);
        await world.backfill(await world.define('recount'), 100);
        const recount = await world.rollupsOf('recount');
        expect(await world.rollupsOf('live')).toEqual(recount);
        expect(await world.rollupsOf('late')).toEqual(recount);
        expect(await world.standing()).toEqual(world.expectedStanding());
      }),
      { seed, numRuns: Number(process.env.PROPERTY_RUNS ?? 8), endOnFailure: true },
    );
  }, 240_000);

  it('are taken back once, stay known as duplicates, and are found only by their type and in time', async () => {
    const world = new World();
    await world.define('live');
    await world.entitle();
    const [event] = world.make([{ offset: 0, subject: 'acme', model: 'a', value: '12' }]);
    await world.store([event!], 0);
    expect(await world.standing()).toMatchObject({ usage: '12', has_access: false });
    const request = { id: event!.id, source: 'test', type: world.type, receivedFrom: 0 };
    expect(await world.cancelEvent({ ...request, type: 'other' })).toBe('unknown');
    expect(await world.cancelEvent({ ...request, id: 'other' })).toBe('unknown');
    expect(await world.cancelEvent({ ...request, receivedFrom: Date.now() + 60_000 })).toBe('too_late');

    const outcomes = await Promise.all([1, 2, 3].map(() => world.cancelEvent(request)));
    expect(new Set(outcomes.map((outcome) => (outcome as { canceledAt: number }).canceledAt)).size).toBe(1);
    expect(await world.standing()).toEqual({ usage: '0', has_access: true, told: null });

    await world.store([event!], 1);
    expect(await world.rollupsOf('live')).toEqual([]);
    expect(await world.standing()).toMatchObject({ usage: '0', has_access: true });
  });

  it('arm the lines that they had crossed: the next crossing is told again', async () => {
    const world = new World();
    await world.define('live');
    await world.entitle();
    const [first, second] = world.make([
      { offset: 0, subject: 'acme', model: 'a', value: '10' },
      { offset: 5, subject: 'acme', model: 'a', value: '5' },
    ]);
    await world.store([first!], 0);
    expect(await world.standing()).toMatchObject({
      told: 'usage_percentage:100,usage_percentage:50,usage_value:2',
    });
    await world.cancel(first!.id);
    expect(await world.standing()).toMatchObject({ usage: '0', told: null });
    await world.store([second!], 0);
    expect(await world.standing()).toMatchObject({ usage: '5', told: 'usage_percentage:50,usage_value:2' });
    const { rows } = await opened.database.query<{ n: number }>(
      'SELECT count(*) AS n FROM threshold_crossing WHERE entitlement_id = $1 AND line = $2',
      [world.entitlementId, 'usage_percentage:50'],
    );
    expect(rows[0]!.n).toBe(2);
  });
});
