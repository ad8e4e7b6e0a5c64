import fc from 'fast-check';
import {
  type BurnDownAggregation,
  type BurnDownState,
  balanceOf,
  burnDown,
  openingState,
} from '../../../src/entitlements/burn-down/burn-down';
import type { Grant } from '../../../src/entitlements/burn-down/grant';
import { planSegments, type Reset } from '../../../src/entitlements/burn-down/plan-segments';
import { nextBreakpoint, standingOf } from '../../../src/entitlements/burn-down/standing';
import { type Quantity, toQuantity, ZERO } from '../../../src/primitives/decimal';
import { HOUR_MS } from '../../../src/primitives/durations';
import { runOverEvents, type UsageEvent } from './usage-of-events';

const START = Date.parse('2025-01-01T00:00:00Z');
const END = START + 100 * HOUR_MS;

// Few distinct instants, so that changes, resets, events and splits often coincide; and some odd milliseconds.
const instant = (from: number, to: number) =>
  fc.oneof(
    fc.integer({ min: from, max: to }).map((hour) => START + hour * HOUR_MS),
    fc.integer({ min: from * HOUR_MS, max: to * HOUR_MS }).map((ms) => START + ms),
  );
const cents = (max: number) => fc.integer({ min: 0, max }).map((count) => toQuantity(count).dividedBy(100));
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });

const grant = (id: string): fc.Arbitrary<Grant> =>
  fc
    .record({
      amount: cents(5_000),
      priority: fc.integer({ min: 0, max: 2 }),
      effectiveAt: instant(-10, 90),
      expiresAt: maybe(instant(-5, 110)),
      recurrence: maybe(
        fc.record({
          anchor: instant(-20, 120),
          interval: fc
            .integer({ min: 1, max: 24 })
            .map((hours) => ({ months: 0, days: 0, ms: hours * HOUR_MS })),
        }),
      ),
      shares: fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })),
      createdAt: fc.constantFrom(1, 2),
      voidedAt: maybe(instant(0, 110)),
      deletedAt: maybe(instant(0, 110)),
    })
    .map(({ shares: [min, max], ...rest }) => ({
      id,
      ...rest,
      minRollover: rest.amount.times(min).dividedBy(4),
      maxRollover: rest.amount.times(max).dividedBy(4),
    }));

const grants = fc
  .array(fc.constant(null), { maxLength: 5 })
  .chain((slots) => fc.tuple(...slots.map((_, i) => grant(`g${i}`))));
const resets = fc
  .uniqueArray(fc.record({ at: instant(0, 100), preserveOverage: fc.boolean() }), {
    maxLength: 4,
    selector: ({ at }) => at,
  })
  .map((list): Reset[] => list.sort((a, b) => a.at - b.at));
const eventsOf = (min: number): fc.Arbitrary<UsageEvent[]> =>
  fc.array(
    fc.tuple(
      instant(0, 100),
      fc.integer({ min, max: 3_000 }).map((count) => toQuantity(count).dividedBy(100).toString()),
    ),
    { maxLength: 30 },
  );
const aggregations = fc.constantFrom<BurnDownAggregation>('SUM', 'COUNT', 'UNIQUE_COUNT', 'LATEST');
const scenario = fc.record({ grants, resets, events: eventsOf(0), aggregation: aggregations });

const plain = (state: BurnDownState) => ({
  ...state,
  balances: Object.fromEntries([...state.balances].map(([id, balance]) => [id, balance.toFixed()]).sort()),
  overage: state.overage.toFixed(),
  credit: state.credit.toFixed(),
  usageInPeriod: state.usageInPeriod.toFixed(),
  grantUsageInPeriod: state.grantUsageInPeriod.toFixed(),
});
const sum = (quantities: Quantity[]): Quantity =>
  quantities.reduce((total, quantity) => total.plus(quantity), ZERO);

describe('burning down', () => {
  test('in many runs, split anywhere, equals one run', () => {
    fc.assert(
      fc.property(scenario, fc.array(instant(0, 100), { maxLength: 6 }), (given, splits) => {
        const whole = runOverEvents({ ...given, from: START, to: END });
        let state: BurnDownState | undefined;
        let from = START;
        for (const to of [...splits.sort((a, b) => a - b), END]) {
          state = runOverEvents({ ...given, from, to, ...(state && { start: state }) }).state;
          from = to;
        }
        expect(plain(state!)).toEqual(plain(whole.state));
      }),
      { numRuns: 400 },
    );
  });

  test('never leaves a grant below zero or above its amount, nor one that is inactive with a balance', () => {
    fc.assert(
      fc.property(scenario, (given) => {
        const amounts = new Map(given.grants.map(({ id, amount }) => [id, amount]));
        for (const { grantBalancesAtStart, grantBalancesAtEnd, overage, overageAtStart } of runOverEvents({
          ...given,
          from: START,
          to: END,
        }).segments) {
          for (const [id, balance] of [...grantBalancesAtStart, ...grantBalancesAtEnd]) {
            expect(balance.isNegative() && !balance.isZero()).toBe(false);
            expect(balance.lessThanOrEqualTo(amounts.get(id)!)).toBe(true);
          }
          expect(overage.lessThan(0) || overageAtStart.lessThan(0)).toBe(false);
        }
      }),
    );
  });

  test('usage and carried overage are burned or stay overage, and overage only where every grant is used up', () => {
    fc.assert(
      fc.property(scenario, (given) => {
        const { segments } = runOverEvents({ ...given, from: START, to: END });
        segments.forEach((segment, index) => {
          const burned = sum(segment.grantUsages.map(({ usage }) => usage));
          expect(segment.usage.plus(segment.overageAtStart).equals(burned.plus(segment.overage))).toBe(true);
          expect(segment.balanceAtStart.minus(burned).equals(segment.balanceAtEnd)).toBe(true);
          expect(segment.overage.isZero() || segment.balanceAtEnd.isZero()).toBe(true);
          if (given.aggregation !== 'LATEST' && index > 0 && segment.kind === 'usage') {
            expect(segment.overageAtStart.equals(segments[index - 1]!.overage)).toBe(true);
          }
        });
      }),
    );
  });

  test('does not depend on the order in which grants are given', () => {
    fc.assert(
      fc.property(
        scenario.chain((given) =>
          fc.tuple(fc.constant(given), fc.shuffledSubarray(given.grants, { minLength: given.grants.length })),
        ),
        ([given, shuffled]) => {
          const one = runOverEvents({ ...given, from: START, to: END });
          const other = runOverEvents({ ...given, grants: shuffled, from: START, to: END });
          expect(plain(other.state)).toEqual(plain(one.state));
          expect(other.segments.map(({ grantUsages }) => grantUsages)).toEqual(
            one.segments.map(({ grantUsages }) => grantUsages),
          );
        },
      ),
    );
  });

  test('is linear in usage until the next breakpoint: balance = max(0, E - u), overage = max(0, u - E)', () => {
    fc.assert(
      fc.property(
        fc.record({ grants, resets, events: eventsOf(-1_000) }),
        instant(0, 99),
        fc.integer({ min: -2_000, max: 20_000 }),
        (given, now, extra) => {
          const until = Math.min(...given.resets.filter(({ at }) => at > now).map(({ at }) => at), END);
          const next = nextBreakpoint(given.grants, { from: START, to: until }, now);
          fc.pre(next > now + 1);
          const before = runOverEvents({ ...given, from: START, to: now });
          const { exhaustsAtUsage } = standingOf(before.state);
          const events: UsageEvent[] = [[now, toQuantity(extra).dividedBy(100).toString()]];
          const { state } = runOverEvents({ ...given, events, from: now, to: next - 1, start: before.state });
          const after = standingOf(state);
          const left = exhaustsAtUsage.minus(after.usage);
          expect(after.exhaustsAtUsage.equals(exhaustsAtUsage)).toBe(true);
          expect(after.balance.equals(left.greaterThan(0) ? left : ZERO)).toBe(true);
          expect(after.overage.equals(left.lessThan(0) ? left.negated() : ZERO)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('a plan breaks next where the next breakpoint is announced', () => {
    fc.assert(
      fc.property(grants, instant(0, 99), (given, now) => {
        const next = nextBreakpoint(given, { from: START, to: END }, now);
        const plan = planSegments({ grants: given, resets: [], from: now, to: END });
        expect(plan[0]!.to).toBe(next);
      }),
    );
  });

  test('a plan covers its range without gaps, and resets stand between usage segments', () => {
    fc.assert(
      fc.property(scenario, (given) => {
        const plan = planSegments({ ...given, from: START, to: END });
        expect([plan[0]!.from, plan.at(-1)!.to]).toEqual([START, END]);
        expect(plan.slice(1).map(({ from }) => from)).toEqual(plan.slice(0, -1).map(({ to }) => to));
        expect(plan.filter(({ kind }) => kind === 'rollover').map(({ from }) => from)).toEqual(
          given.resets.map(({ at }) => at).filter((at) => at > START),
        );
      }),
    );
  });

  test('the total available and E differ by the overage carried into the period alone', () => {
    fc.assert(
      fc.property(scenario, (given) => {
        const { segments, state } = runOverEvents({ ...given, from: START, to: END });
        const reset = segments.findLast(({ kind }) => kind === 'rollover');
        const carried = given.aggregation === 'LATEST' || reset === undefined ? ZERO : reset.overageAtStart;
        const { totalAvailable, exhaustsAtUsage } = standingOf(state);
        expect(totalAvailable.minus(exhaustsAtUsage).toFixed()).toBe(carried.toFixed());
      }),
    );
  });
});

describe('single rules', () => {
  const hours = (count: number): number => START + count * HOUR_MS;
  const of = (partial: Partial<Grant> & { id: string }): Grant => ({
    amount: toQuantity(100),
    priority: 1,
    effectiveAt: START,
    minRollover: ZERO,
    maxRollover: ZERO,
    createdAt: START,
    ...partial,
  });

  test('grants burn by priority, then earliest expiry, then creation, then id', () => {
    const ordered = [
      of({ id: 'z', priority: 0 }),
      of({ id: 'y', expiresAt: hours(50) }),
      of({ id: 'x', expiresAt: hours(60) }),
      of({ id: 'w', createdAt: START - 1 }),
      of({ id: 'a' }),
      of({ id: 'b' }),
    ];
    const { segments } = runOverEvents({
      grants: [...ordered].reverse(),
      events: [[hours(1), 550]],
      from: START,
      to: hours(2),
    });
    expect(segments[0]!.grantUsages.map(({ grantId }) => grantId)).toEqual(ordered.map(({ id }) => id));
    expect(segments[0]!.grantUsages.at(-1)).toMatchObject({ grantId: 'b', exhausted: false });
  });

  test('preserved overage is burned from what rolls over, once', () => {
    const { state, segments } = runOverEvents({
      grants: [of({ id: 'g', minRollover: toQuantity(50), maxRollover: toQuantity(50) })],
      resets: [{ at: hours(5), preserveOverage: true }],
      events: [[hours(1), 110]],
      from: START,
      to: hours(6),
    });
    expect(segments[1]).toMatchObject({ kind: 'rollover', from: hours(5), to: hours(5) });
    expect([state.balances.get('g'), state.overage, state.usageInPeriod].map(Number)).toEqual([40, 0, 0]);
    const { totalAvailable, exhaustsAtUsage } = standingOf(state);
    expect([totalAvailable, exhaustsAtUsage].map(Number)).toEqual([50, 40]);
  });

  test('a correction gives back first the overage, then credit that is burned before any grant', () => {
    const given = { grants: [of({ id: 'g' })], from: START, to: hours(9) };
    const run = (...values: number[]) =>
      runOverEvents({ ...given, events: values.map((value, index) => [hours(index), value]) }).state;
    expect(Number(run(150, -20).overage)).toBe(30);
    const corrected = runOverEvents({ ...given, events: [[hours(1), -20]], start: run(50) });
    expect([balanceOf(corrected.state), corrected.state.credit].map(Number)).toEqual([70, 20]);
    expect(Number(standingOf(corrected.state).totalAvailable)).toBe(100);
    const later = runOverEvents({ ...given, events: [[hours(2), 30]], start: corrected.state });
    expect([later.state.balances.get('g'), later.state.credit].map(Number)).toEqual([40, 0]);
  });

  test('LATEST: a level that is not reported again stays until the reset', () => {
    const given = {
      grants: [of({ id: 'g' }), of({ id: 'later', effectiveAt: hours(2), amount: toQuantity(30) })],
      resets: [{ at: hours(5), preserveOverage: true }],
      events: [[hours(1), 120]] as UsageEvent[],
      from: START,
      aggregation: 'LATEST' as const,
    };
    const balances = [2, 3, 5].map((hour) => {
      const { usage, balance, overage } = standingOf(runOverEvents({ ...given, to: hours(hour) }).state);
      return [usage, balance, overage].map(Number);
    });
    expect(balances).toEqual([
      [120, 10, 0],
      [120, 10, 0],
      [0, 130, 0],
    ]);
    const rollover = runOverEvents({ ...given, to: hours(5) }).segments.find(
      ({ kind }) => kind === 'rollover',
    )!;
    expect([rollover.overageAtStart, rollover.overage].map(Number)).toEqual([0, 0]);
  });

  test('LATEST: a level over the limit is no debt, neither in the next segment nor after a reset', () => {
    const { segments } = runOverEvents({
      grants: [of({ id: 'g' }), of({ id: 'later', effectiveAt: hours(2), amount: toQuantity(30) })],
      resets: [{ at: hours(5), preserveOverage: true }],
      events: [[hours(1), 150]],
      from: START,
      to: hours(6),
      aggregation: 'LATEST',
    });
    expect(segments.map(({ overageAtStart, overage }) => [overageAtStart, overage].map(Number))).toEqual([
      [0, 50],
      [0, 20],
      [0, 0],
      [0, 0],
    ]);
  });

  test('UNIQUE_COUNT: a value counts once a period, however many segments it is seen in', () => {
    const { segments, state } = runOverEvents({
      grants: [
        of({
          id: 'g',
          amount: toQuantity(5),
          recurrence: { anchor: START, interval: { months: 0, days: 1, ms: 0 } },
        }),
      ],
      resets: [{ at: hours(48), preserveOverage: false }],
      events: [
        [hours(1), 'alice'],
        [hours(2), 'bob'],
        [hours(25), 'alice'],
        [hours(26), 'carol'],
        [hours(49), 'alice'],
      ],
      from: START,
      to: hours(50),
      aggregation: 'UNIQUE_COUNT',
    });
    expect(segments.map(({ usage }) => Number(usage))).toEqual([2, 1, 0, 1]);
    expect(Number(state.usageInPeriod)).toBe(1);
  });

  test('ten events of a tenth use exactly one', () => {
    const events = Array.from({ length: 10 }, (_, index) => [hours(index), '0.1'] as const);
    const { state } = runOverEvents({
      grants: [of({ id: 'g', amount: toQuantity(1) })],
      events,
      from: START,
      to: hours(11),
    });
    expect([balanceOf(state), state.overage].map(Number)).toEqual([0, 0]);
  });

  test('each segment needs its measurement, and a plan its order', () => {
    const segments = planSegments({ grants: [], resets: [], from: START, to: END });
    const run = {
      grants: [],
      segments,
      measurements: [],
      start: openingState([], START),
      aggregation: 'SUM' as const,
    };
    expect(() => burnDown(run)).toThrow('one measurement a segment');
    expect(() => planSegments({ grants: [], resets: [], from: 5, to: 4 })).toThrow(RangeError);
  });
});
