import { createMeterCatalog, levels, type MeterQuery, queryMeter } from '../../src/metering';
import type { Database, Queryable, Row } from '../../src/storage';
import { ManualClock } from '../support/manual-clock';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { storeMeter } from '../support/stored-meter';

const day = 86_400_000;
const subjects = 2_000;

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  Plans?: Plan[];
}

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

describeOnEachStorage('what a query of a meter reads', (storage) => {
  let opened: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    opened = await storage.open();
    database = opened.database;
    await storeMeter(database, { slug: 'calls', groupBy: { method: '$.method' } });
    const { rows } = await database.query<{ number: number }>(
      `SELECT number FROM meter WHERE slug = 'calls'`,
    );
    await database.script(`
      INSERT INTO series (meter_number, level, subject, groups)
        SELECT ${rows[0]!.number}, level, CASE level WHEN ${levels.meter} THEN '' ELSE 'subject-' || n END, groups::jsonb
        FROM generate_series(1, ${subjects}) n, (VALUES (${levels.detail}, '{"method": "GET"}'), (${levels.subject}, '{}'),
          (${levels.meter}, '{}')) AS kind (level, groups)
        WHERE level <> ${levels.meter} OR n = 1;
      INSERT INTO rollup (series_id, bucket, count)
        SELECT id, hour * 3600000, 1 FROM series, generate_series(0, 23) hour;
      ANALYZE series; ANALYZE rollup`);
  });
  afterAll(() => opened.drop());

  /** The plan of the statement that reads rollups, planned as at each execution. */
  const planOf = async (query: Partial<MeterQuery>): Promise<Plan[]> => {
    const plans: Plan[] = [];
    const explaining: Queryable = {
      arrays: database.arrays,
      query: async <R = Row>(text: string, values?: readonly unknown[]) => {
        if (/\brollup\b/.test(text)) {
          const { rows } = await database.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
            `EXPLAIN (FORMAT JSON) ${text}`,
            values,
          );
          plans.push(rows[0]!['QUERY PLAN'][0].Plan);
        }
        return database.query<R>(text, values);
      },
    };
    const catalog = createMeterCatalog({
      database,
      clock: new ManualClock(day),
      newId: () => 'unused',
      onBackfill: () => {},
      guard: { beforeDelete: async () => {}, beforeGroupByDrop: async () => {} },
    });
    await queryMeter(explaining, await catalog.compiled('calls'), {
      from: 0,
      to: day,
      windowSize: 'DAY',
      timeZone: 'UTC',
      subjects: undefined,
      filters: {},
      groupBy: [],
      customers: undefined,
      ...query,
    });
    expect(plans).toHaveLength(1);
    return nodesOf(plans[0]!);
  };

  it.each<[string, Partial<MeterQuery>]>([
    ['all subjects by day', {}],
    ['one subject by hour', { windowSize: 'HOUR', subjects: ['subject-7'], groupBy: ['subject'] }],
  ])('%s finds its series by their index, however many others there are', async (_, query) => {
    const scanned = (await planOf(query)).filter((node) => node['Node Type'] === 'Seq Scan');
    expect(scanned).toEqual([]);
  });
});
