import fc from 'fast-check';
import { listGrants } from '../../../src/entitlements';
import { standingOf } from '../../../src/entitlements/burn-down/standing';
import { formatQuantity, toQuantity, ZERO } from '../../../src/primitives/decimal';
import { changeDefinitions } from '../../../src/storage';
import { saveWatch } from '../../../src/thresholds';
import { activeLines, lineKey, type ThresholdLine } from '../../../src/thresholds/crossings';
import { ManualClock } from '../../support/manual-clock';
import { describeOnEachStorage, type TestDatabase } from '../../support/storages';
import { storeMeter } from '../../support/stored-meter';
import { startTestApp, type TestApp } from '../../support/test-app';
import { runOverEvents, type UsageEvent } from '../../unit/entitlements/usage-of-events';

const aggregations = ['SUM', 'COUNT', 'UNIQUE_COUNT', 'LATEST'] as const;
type Aggregation = (typeof aggregations)[number];
const keyOf = (aggregation: Aggregation) => aggregation.toLowerCase();

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const iso = (ms: number) => new Date(ms).toISOString();

const lines: ThresholdLine[] = [
  { type: 'usage_percentage', value: toQuantity(50) },
  { type: 'usage_percentage', value: toQuantity(100) },
  { type: 'balance_value', value: toQuantity(3) },
];

/** Offsets from now in whole seconds, so that no event falls on the last millisecond before a boundary. */
const seconds = (from: number, to: number) =>
  fc.integer({ min: from / 1_000, max: to / 1_000 }).map((s) => s * 1_000);

const events = fc.record({
  kind: fc.constant('events' as const),
  list: fc.array(
    fc.record({
      // Most are of now, some late, some ahead.
      offset: fc.oneof(
        { weight: 5, arbitrary: seconds(-10 * minute, 0) },
        { weight: 2, arbitrary: seconds(-3 * day, 0) },
        { weight: 1, arbitrary: seconds(0, 2 * hour) },
      ),
      value: fc.integer({ min: -2, max: 8 }).map((tenths) => tenths / 2),
      item: fc.integer({ min: 0, max: 6 }),
      repeats: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});
const grant = fc.record({
  kind: fc.constant('grant' as const),
  of: fc.constantFrom(...aggregations),
  amount: fc.integer({ min: 1, max: 10 }),
  priority: fc.integer({ min: 0, max: 3 }),
  offset: seconds(0, 6 * hour),
  hours: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
  recurs: fc.boolean(),
  rollover: fc.integer({ min: 0, max: 10 }),
});
const others = fc.oneof(
  fc.record({ kind: fc.constant('void' as const), pick: fc.nat(20) }),
  fc.record({
    kind: fc.constant('reset' as const),
    of: fc.constantFrom(...aggregations),
    ago: seconds(0, 4 * hour),
    retainAnchor: fc.boolean(),
    preserveOverage: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('override' as const),
    of: fc.constantFrom(...aggregations),
    amount: fc.integer({ min: 1, max: 20 }),
  }),
);
const jump = fc.record({
  kind: fc.constant('jump' as const),
  by: fc.oneof(seconds(minute, 2 * hour), seconds(day, 3 * day)),
});
const step = fc.oneof(
  { weight: 6, arbitrary: events },
  { weight: 2, arbitrary: grant },
  { weight: 1, arbitrary: others },
  { weight: 2, arbitrary: jump },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Sent {
  id: string;
  time: number;
  value: number;
  item: number;
}

interface ManualReset {
  at: number;
  anchor: number;
  preserveOverage: boolean;
}

/** What the test knows of an entitlement by itself. */
interface Known {
  id: string;
  measureFrom: number;
  anchor: number;
  resets: ManualReset[];
}

describeOnEachStorage('the running usage and the engine', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  const clock = new ManualClock('2025-01-15T10:00:00Z');
  let runs = 0;
  const nextSubject = (): string => {
    runs += 1;
    return `subject-${runs}`;
  };

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database, { clock });
    for (const aggregation of aggregations) {
      const valueProperty = aggregation === 'UNIQUE_COUNT' ? '$.item' : '$.value';
      await storeMeter(opened.database, {
        slug: keyOf(aggregation),
        aggregation,
        eventType: 'usage',
        valueProperty,
      });
      await app.request('POST', '/api/v1/features', {
        key: keyOf(aggregation),
        name: aggregation,
        meterSlug: keyOf(aggregation),
      });
    }
    await opened.database.transaction(async (transaction) => {
      await changeDefinitions(transaction);
      await saveWatch(transaction, { ruleId: 'rule', features: null, lines });
    });
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  /** One customer with an entitlement of each aggregation, driven through the public interface. */
  class Run {
    readonly subject = nextSubject();
    readonly sent: Sent[] = [];
    readonly known = new Map<Aggregation, Known>();

    path(aggregation: Aggregation, rest = '') {
      return `/api/v2/customers/${this.subject}/entitlements/${keyOf(aggregation)}${rest}`;
    }

    body(aggregation: Aggregation, amount: number) {
      return {
        type: 'metered',
        featureKey: keyOf(aggregation),
        usagePeriod: { interval: 'DAY' },
        issue: { amount },
        preserveOverageAtReset: aggregation === 'SUM',
      };
    }

    async learn(aggregation: Aggregation, response: Response) {
      expect(response.status).toBe(201);
      const made = (await response.json()) as { id: string; measureUsageFrom: string };
      const measureFrom = Date.parse(made.measureUsageFrom);
      this.known.set(aggregation, { id: made.id, measureFrom, anchor: measureFrom, resets: [] });
    }

    async begin() {
      await app.request('POST', '/api/v1/customers', {
        key: this.subject,
        name: this.subject,
        usageAttribution: { subjectKeys: [this.subject] },
      });
      for (const aggregation of aggregations) {
        const base = `/api/v2/customers/${this.subject}/entitlements`;
        await this.learn(aggregation, await app.request('POST', base, this.body(aggregation, 10)));
      }
    }

    async take(action: Step) {
      const now = clock.now();
      if (action.kind === 'jump') clock.advance(action.by);
      else if (action.kind === 'events') await this.send(action.list, now);
      else if (action.kind === 'grant') await this.grant(action, now);
      else if (action.kind === 'void') await this.voidOne(action.pick);
      else if (action.kind === 'reset') await this.reset(action, now);
      else
        await this.learn(
          action.of,
          await app.request('PUT', this.path(action.of, '/override'), this.body(action.of, action.amount)),
        );
    }

    async send(list: Extract<Step, { kind: 'events' }>['list'], now: number) {
      const batch: Sent[] = list.map(({ offset, value, item, repeats }, index) => {
        const again = repeats ? this.sent.at(-1) : undefined;
        return (
          again ?? { id: `${this.subject}-${this.sent.length}-${index}`, time: now + offset, value, item }
        );
      });
      const response = await app.request(
        'POST',
        '/api/v1/events',
        batch.map(({ id, time, value, item }) => ({
          specversion: '1.0',
          source: 'properties',
          type: 'usage',
          id,
          subject: this.subject,
          time: iso(time),
          data: { value, item: `item-${item}` },
        })),
        { 'content-type': 'application/cloudevents-batch+json' },
      );
      expect(response.status).toBe(204);
      for (const event of batch) if (!this.sent.some(({ id }) => id === event.id)) this.sent.push(event);
    }

    async grant(action: Extract<Step, { kind: 'grant' }>, now: number) {
      const response = await app.request('POST', this.path(action.of, '/grants'), {
        amount: action.amount,
        priority: action.priority,
        effectiveAt: iso(now + action.offset),
        ...(action.hours === undefined ? {} : { expiration: { duration: 'HOUR', count: action.hours } }),
        ...(action.recurs ? { recurrence: { interval: 'PT5H' } } : {}),
        maxRolloverAmount: action.rollover,
      });
      expect(response.status).toBe(201);
    }

    async voidOne(pick: number) {
      const all = await this.grants([...this.known.values()].map(({ id }) => id));
      const open = all.filter(({ voidedAt }) => voidedAt === undefined);
      const chosen = open[pick % Math.max(1, open.length)];
      if (chosen) expect((await app.request('DELETE', `/api/v1/grants/${chosen.id}`)).status).toBe(204);
    }

    async reset(action: Extract<Step, { kind: 'reset' }>, now: number) {
      const known = this.known.get(action.of)!;
      const at = now - action.ago;
      const response = await app.request('POST', this.path(action.of, '/reset'), {
        effectiveAt: iso(at),
        retainAnchor: action.retainAnchor,
        preserveOverage: action.preserveOverage,
      });
      // Refused where the rules say so; what is accepted must hold.
      expect([204, 400]).toContain(response.status);
      if (response.status === 400) return;
      const anchor = action.retainAnchor ? (known.resets.at(-1)?.anchor ?? known.anchor) : at;
      known.resets.push({ at, anchor, preserveOverage: action.preserveOverage });
    }

    async grants(entitlementIds: string[]) {
      const filter = { entitlementIds, includeDeleted: true, orderBy: 'id', isDescending: false } as const;
      return (await listGrants(opened.database, filter, { limit: 1_000, offset: 0 })).items;
    }

    /** Every boundary of days, counted from the anchor in force, and every reset by hand. */
    resetsOf({ measureFrom, anchor, resets }: Known, until: number, preserveOverage: boolean) {
      const all: { at: number; preserveOverage: boolean }[] = [];
      const stretches = [{ at: measureFrom, anchor }, ...resets];
      stretches.forEach((stretch, index) => {
        const end = resets[index]?.at ?? Number.POSITIVE_INFINITY;
        const first = stretch.anchor + (Math.floor((stretch.at - stretch.anchor) / day) + 1) * day;
        for (let at = first; at < end && at <= until; at += day) all.push({ at, preserveOverage });
        const manual = resets[index];
        if (manual && manual.at <= until)
          all.push({ at: manual.at, preserveOverage: manual.preserveOverage });
      });
      return all;
    }

    /** The engine from scratch over the raw events. */
    async expected(aggregation: Aggregation, until: number) {
      const known = this.known.get(aggregation)!;
      const usage = this.sent.map(
        ({ time, value, item }): UsageEvent => [
          time,
          aggregation === 'UNIQUE_COUNT' ? `item-${item}` : value,
        ],
      );
      return runOverEvents({
        grants: await this.grants([known.id]),
        resets: this.resetsOf(known, until, aggregation === 'SUM'),
        events: usage,
        from: known.measureFrom,
        to: until,
        aggregation,
      });
    }

    async check() {
      for (const aggregation of aggregations) await this.checkOne(aggregation);
    }

    async checkOne(aggregation: Aggregation) {
      const now = clock.now();
      const known = this.known.get(aggregation)!;
      const closed = standingOf((await this.expected(aggregation, now)).state);
      const at = (await (
        await app.request('GET', this.path(aggregation, `/value?time=${iso(now)}`))
      ).json()) as object;
      expect([aggregation, at]).toEqual([aggregation, expect.objectContaining(valueFrom(closed))]);

      const validUntil = await this.validUntil(known.id, now);
      // The running usage counts what is dated a little ahead, up to the next breakpoint.
      const value = (await (await app.request('GET', this.path(aggregation, '/value'))).json()) as {
        grantBalances: Record<string, number>;
      };
      const open = await this.expected(aggregation, validUntil - 1);
      const standing = standingOf(open.state);
      expect([aggregation, value]).toEqual([aggregation, expect.objectContaining(valueFrom(standing))]);
      const sum = Object.values(value.grantBalances).reduce((total, balance) => total.plus(balance), ZERO);
      expect(formatQuantity(sum)).toBe(formatQuantity(standing.balance.minus(open.state.credit)));
      await this.checkCrossings(known, standing);
    }

    async validUntil(id: string, now: number): Promise<number> {
      const { rows } = await opened.database.query<{ due: number }>(
        'SELECT valid_until AS due FROM entitlement_standing WHERE entitlement_id = $1',
        [id],
      );
      const due = rows[0]!.due;
      if (due > now) return due;
      // Not settled yet; any event makes it so.
      await this.send([{ offset: 0, value: 0, item: 0, repeats: false }], now);
      return this.validUntil(id, now);
    }

    async checkCrossings({ id }: Known, standing: ReturnType<typeof standingOf>) {
      const { rows } = await opened.database.query<{ line: string; n: number }>(
        `SELECT c.line, count(*) AS n FROM threshold_crossing c JOIN entitlement_standing u
           ON u.entitlement_id = c.entitlement_id AND u.period_from = c.period_from
         WHERE c.entitlement_id = $1 AND c.rearmed_at IS NULL GROUP BY c.line`,
        [id],
      );
      const told = new Map(rows.map(({ line, n }) => [line, n]));
      for (const line of activeLines(lines, standing))
        expect([lineKey(line), told.get(lineKey(line))]).toEqual([lineKey(line), 1]);
    }

    /** Parts of a history add up to the whole. */
    async checkHistory(aggregation: 'SUM' | 'COUNT') {
      const known = this.known.get(aggregation)!;
      const now = clock.now();
      const from = Math.max(known.measureFrom, now - 2 * day);
      if (from >= now) return;
      const response = await app.request(
        'GET',
        this.path(aggregation, `/history?windowSize=HOUR&from=${iso(from)}&windowTimeZone=Asia/Kathmandu`),
      );
      expect(response.status).toBe(200);
      const { windowedHistory, burndownHistory } = (await response.json()) as {
        windowedHistory: { usage: number }[];
        burndownHistory: { usage: number; balanceAtEnd: number; overage: number }[];
      };
      const total = (list: { usage: number }[]) =>
        formatQuantity(list.reduce((sum, { usage }) => sum.plus(usage), ZERO));
      const within = this.sent.filter(({ time }) => from <= time && time < now);
      const expected = within.reduce((sum, { value }) => sum.plus(aggregation === 'COUNT' ? 1 : value), ZERO);
      expect(total(windowedHistory)).toBe(formatQuantity(expected));
      expect(total(burndownHistory)).toBe(formatQuantity(expected));
      const closed = standingOf((await this.expected(aggregation, now)).state);
      const last = burndownHistory.at(-1)!;
      const reset = this.resetsOf(known, now, false).some(({ at }) => at === now);
      if (!reset) expect(last.overage).toBe(Number(closed.overage));
    }
  }

  const valueFrom = (standing: ReturnType<typeof standingOf>) => ({
    usage: Number(formatQuantity(standing.usage)),
    balance: Number(formatQuantity(standing.balance)),
    overage: Number(formatQuantity(standing.overage)),
    totalAvailableGrantAmount: Number(formatQuantity(standing.totalAvailable)),
    hasAccess: standing.balance.greaterThan(0),
  });

  it('always agree after random events, grants, voids, resets, overrides and jumps in time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
        const run = new Run();
        await run.begin();
        for (const action of steps) {
          await run.take(action);
          await run.check();
        }
        await run.checkHistory('SUM');
        await run.checkHistory('COUNT');
      }),
      { numRuns: Number(process.env.PROPERTY_RUNS ?? 6), endOnFailure: true },
    );
  }, 120_000);
});
