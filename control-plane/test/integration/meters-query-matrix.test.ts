import {
  type Aggregation,
  aggregations,
  type CompiledMeter,
  compileMeter,
  createMeterCatalog,
  type MeterQueryRow,
  queryMeter,
} from '../../src/metering';
import { formatQuantity, toQuantity } from '../../src/primitives/decimal';
import { createIdentifierSource } from '../../src/primitives/identifiers';
import type { WindowSize } from '../../src/primitives/periods';
import { cloudEvent } from '../support/cloud-events';
import { type NaiveEvent, type NaiveQuery, naiveUsage } from '../support/naive-usage';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);

/** mulberry32: the events are others at every run, and the same for one seed. */
const randomFrom = (start: number) => {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
};

const minute = 60_000;
const hour = 60 * minute;
/** Around the clock changes of Berlin (March 31), New York (March 10) and Lord Howe Island (April 7). */
const begin = Date.parse('2024-03-08T00:00:00Z');
const days = 32;
const values = ['1', '0.1', '0.2', '9007199254740993', '-3.5', '12', '1e3', '0.30000000000000004'];
const models = ['gpt-4', 'gpt-4-turbo', 'claude', ''];

const makeEvents = (random: () => number): NaiveEvent[] => {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  return Array.from({ length: 240 }, () => {
    const wholeMinute = begin + Math.floor(random() * days * 24 * 60) * minute;
    return {
      subject: pick(['acme', 'globex', 'initech']),
      // Some exactly on a boundary, some at the same instant, the rest anywhere in their minute.
      time:
        random() < 0.2 ? Math.floor(wholeMinute / hour) * hour : wholeMinute + Math.floor(random() * minute),
      value: formatQuantity(toQuantity(pick(values))),
      groups: { model: pick(models), region: pick(['eu', 'us']) },
    };
  });
};

interface Question {
  variant: Variant;
  from: number | undefined;
  to: number | undefined;
  windowSize: WindowSize | undefined;
  timeZone: string;
}

const customers = new Map([
  ['acme', 'customer-1'],
  ['globex', 'customer-1'],
  ['initech', 'customer-2'],
]);

type Variant = Pick<NaiveQuery, 'passes' | 'groupBy'> & {
  name: string;
  subjects?: string[];
  filters?: Record<string, object>;
};

const variants: Variant[] = [
  { name: 'everything', passes: () => true, groupBy: [] },
  { name: 'by subject', passes: () => true, groupBy: ['subject'] },
  { name: 'by model and region', passes: () => true, groupBy: ['model', 'region'] },
  {
    name: 'one subject',
    subjects: ['acme'],
    passes: ({ subject }) => subject === 'acme',
    groupBy: ['subject'],
  },
  { name: 'by customer', passes: () => true, groupBy: ['customer_id'] },
  {
    name: 'one model by subject',
    filters: { model: { $eq: 'gpt-4' } },
    passes: ({ groups }) => groups.model === 'gpt-4',
    groupBy: ['subject'],
  },
  {
    name: 'like and unlike',
    filters: { model: { $like: 'gpt%' }, region: { $ne: 'us' } },
    passes: ({ groups }) => groups.model!.startsWith('gpt') && groups.region !== 'us',
    groupBy: ['model'],
  },
  {
    name: 'in and not in',
    filters: { model: { $in: ['gpt-4', ''] }, region: { $nin: ['us', 'mars'] } },
    passes: ({ groups }) => ['gpt-4', ''].includes(groups.model!) && groups.region === 'eu',
    groupBy: ['subject', 'region'],
  },
  {
    name: 'in order, alternatives and together',
    filters: {
      model: { $or: [{ $gte: 'gpt-4-' }, { $ilike: 'CLAUDE' }] },
      region: { $and: [{ $gt: 'a' }, { $lte: 'eu' }, { $nlike: 'u_' }] },
    },
    passes: ({ groups }) =>
      (groups.model! >= 'gpt-4-' || groups.model === 'claude') && groups.region === 'eu',
    groupBy: ['model'],
  },
];

const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'];
const windows: { windowSize: WindowSize | undefined; timeZone: string }[] = [
  { windowSize: undefined, timeZone: 'UTC' },
  { windowSize: 'MINUTE', timeZone: 'Asia/Kolkata' },
  // The half hour that Lord Howe Island's clock moves starts a window that the naive recount does not know.
  ...zones.slice(0, 4).map((timeZone) => ({ windowSize: 'HOUR' as const, timeZone })),
  ...zones.map((timeZone) => ({ windowSize: 'DAY' as const, timeZone })),
  ...zones.map((timeZone) => ({ windowSize: 'MONTH' as const, timeZone })),
];
const spans = [
  { name: 'all of time', from: undefined, to: undefined },
  { name: 'whole hours', from: begin + 30 * hour, to: begin + 700 * hour },
  { name: 'cut minutes', from: begin + 31 * hour + 12_345, to: begin + 690 * hour + 59_999 },
];

/** One line a row, so that a difference is easy to see; averages to sixteen digits. */
const lines = (rows: readonly MeterQueryRow[]): string[] =>
  rows
    .map(({ value, windowStart, windowEnd, subject, customerId, groups }) =>
      JSON.stringify([
        new Date(windowStart).toISOString(),
        new Date(windowEnd).toISOString(),
        subject,
        customerId,
        groups,
        toQuantity(value).toSignificantDigits(16).toString(),
      ]),
    )
    .sort();

describeOnEachStorage(`meter queries (TEST_SEED=${seed})`, (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  const events = makeEvents(randomFrom(seed));
  const meters = new Map<Aggregation, CompiledMeter>();

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database);
    const clock = { now: () => Date.now() };
    const catalog = createMeterCatalog({
      database: opened.database,
      clock,
      newId: createIdentifierSource(clock),
      onBackfill: () => {},
      guard: { beforeDelete: async () => {}, beforeGroupByDrop: async () => {} },
    });
    for (const aggregation of aggregations) {
      const meter = await catalog.create({
        slug: aggregation.toLowerCase(),
        name: null,
        description: null,
        aggregation,
        eventType: 'usage',
        eventFrom: null,
        valueProperty: aggregation === 'COUNT' ? null : '$.value',
        groupBy: { model: '$.model', region: '$.region' },
        metadata: {},
      });
      meters.set(aggregation, compileMeter(meter, 0));
    }
    for (let start = 0; start < events.length; start += 60) {
      const batch = events.slice(start, start + 60).map((event) =>
        cloudEvent({
          type: 'usage',
          subject: event.subject,
          time: new Date(event.time).toISOString(),
          data: { value: event.value, ...event.groups },
        }),
      );
      const response = await app.request('POST', '/api/v1/events', batch);
      expect(response.status).toBe(204);
    }
  }, 60_000);
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  const ask = async (aggregation: Aggregation, question: Question) => {
    const { variant, from, to, windowSize, timeZone } = question;
    const shared = { from, to, windowSize, timeZone, groupBy: variant.groupBy, customers };
    const rows = await queryMeter(opened.database, meters.get(aggregation)!, {
      ...shared,
      subjects: variant.subjects,
      filters: variant.filters ?? {},
    });
    const expected = naiveUsage(events, { ...shared, aggregation, passes: variant.passes });
    const label = `${variant.name}, ${windowSize ?? 'no window'}, ${timeZone}`;
    expect([label, ...lines(rows)]).toEqual([label, ...lines(expected)]);
  };

  aggregations.forEach((aggregation, aggregationIndex) => {
    spans.forEach(({ name, from, to }, spanIndex) => {
      it(`answers ${aggregation} over ${name} as a recount of the raw events does`, async () => {
        for (const [windowIndex, window] of windows.entries()) {
          for (const [variantIndex, variant] of variants.entries()) {
            // Every window meets every variant over one of the spans, another one for each aggregation.
            if ((aggregationIndex + windowIndex + variantIndex) % spans.length !== spanIndex) continue;
            await ask(aggregation, { variant, from, to, ...window });
          }
        }
      }, 60_000);
    });
  });
});
