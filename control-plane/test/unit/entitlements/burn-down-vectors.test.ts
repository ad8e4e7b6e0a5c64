import {
  type BurnDownAggregation,
  balanceOf,
  openingState,
} from '../../../src/entitlements/burn-down/burn-down';
import { expiryOf, type Grant } from '../../../src/entitlements/burn-down/grant';
import { isMeasured } from '../../../src/entitlements/burn-down/plan-segments';
import { refusalOfReset } from '../../../src/entitlements/burn-down/reset-refusal';
import { standingOf } from '../../../src/entitlements/burn-down/standing';
import { toQuantity, ZERO } from '../../../src/primitives/decimal';
import { HOUR_MS, MINUTE_MS, parseInterval } from '../../../src/primitives/durations';
import vectors from '../../fixtures/entitlement-and-billing.json';
import { runOverEvents } from './usage-of-events';

interface EngineVector {
  name: string;
  aggregation: BurnDownAggregation;
  grants: {
    id: string;
    amount: number;
    priority: number;
    effectiveAt: string;
    expiration: { duration: string; count: number };
    recurrence?: { interval: string; anchor: string };
    minRollover: number;
    maxRollover: number;
    voidedAt?: string;
    deletedAt?: string;
  }[];
  start: string;
  until: string;
  startBalances: Record<string, number>;
  usage: [string, number][];
  resets?: string[];
  preserveOverage?: boolean;
  expect: {
    balances?: Record<string, number>;
    overage?: number;
    segmentUsage?: number[];
    seg1BalanceAtStart?: number;
    balanceTotal?: number;
    usage?: number;
    segmentBalanceAtStart?: number[];
    usageInPeriod?: number;
    segments?: number;
  };
}

const at = (text: string): number => Date.parse(text);
const optional = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : at(text);

function grantOf(vector: EngineVector['grants'][number]): Grant {
  const { id, priority, expiration, recurrence } = vector;
  return {
    id,
    priority,
    amount: toQuantity(vector.amount),
    effectiveAt: at(vector.effectiveAt),
    expiresAt: expiryOf(at(vector.effectiveAt), parseInterval(expiration.duration)!, expiration.count),
    recurrence: recurrence && {
      interval: parseInterval(recurrence.interval)!,
      anchor: at(recurrence.anchor),
    },
    minRollover: toQuantity(vector.minRollover),
    maxRollover: toQuantity(vector.maxRollover),
    createdAt: 0,
    voidedAt: optional(vector.voidedAt),
    deletedAt: optional(vector.deletedAt),
  };
}

function run(vector: EngineVector) {
  const grants = vector.grants.map(grantOf);
  const from = at(vector.start);
  const balances = Object.entries(vector.startBalances).map(
    ([id, balance]) => [id, toQuantity(balance)] as const,
  );
  return runOverEvents({
    grants,
    resets: (vector.resets ?? []).map((reset) => ({
      at: at(reset),
      preserveOverage: vector.preserveOverage ?? false,
    })),
    events: vector.usage.map(([time, value]) => [at(time), value]),
    from,
    to: at(vector.until),
    aggregation: vector.aggregation,
    start: { ...openingState(grants, from), balances: new Map(balances) },
  });
}

describe('the burn-down engine', () => {
  const cases = (vectors as { kind: string }[]).filter(
    ({ kind }) => kind === 'engine',
  ) as unknown as EngineVector[];
  test('there are cases to run', () => expect(cases.length).toBe(11));

  test.each(cases)('$name', (vector) => {
    const { segments, state } = run(vector);
    // The vectors state what is left before the changes at `until` itself; see the test on expiry below.
    const last = segments.findLast(isMeasured)!;
    const numbers = (balances: ReadonlyMap<string, { toNumber(): number }>) =>
      Object.fromEntries([...balances].map(([id, balance]) => [id, balance.toNumber()]));
    const got = {
      balances: numbers(last.grantBalancesAtEnd),
      overage: last.overage.toNumber(),
      segmentUsage: segments.map(({ usage }) => usage.toNumber()),
      seg1BalanceAtStart: segments[1]?.balanceAtStart.toNumber(),
      balanceTotal: last.balanceAtEnd.toNumber(),
      // OpenMeter's usage is the sum over segments, for LATEST too; see the next test for ours.
      usage: segments.reduce((sum, { usage }) => sum.plus(usage), ZERO).toNumber(),
      segmentBalanceAtStart: segments.map(({ balanceAtStart }) => balanceAtStart.toNumber()),
      usageInPeriod: state.usageInPeriod.toNumber(),
      segments: segments.length,
    };
    expect(got).toMatchObject(vector.expect);
  });

  test('at the instant at which a grant expires it is gone, where OpenMeter still shows it', () => {
    const vector = cases.find(({ name }) => name === 'single grant')!;
    const { state } = run(vector);
    expect(at(vector.until)).toBe(grantOf(vector.grants[0]!).expiresAt);
    expect(balanceOf(state).toNumber()).toBe(0);
  });

  test('LATEST: the usage of a period is its last value, where OpenMeter adds up the last values of segments', () => {
    const { state } = run(cases.find(({ aggregation }) => aggregation === 'LATEST')!);
    const { usage, balance, totalAvailable, exhaustsAtUsage } = standingOf(state);
    // A level of 10 under limits of 100 + 75. Adding 15 + 10 would claim 190 available, which no grant gives.
    expect([usage, balance, totalAvailable, exhaustsAtUsage].map(Number)).toEqual([10, 165, 175, 175]);
  });
});

describe('resets', () => {
  const [chained, errors] = (vectors as { kind: string; name: string; steps?: string[] }[]).filter(
    ({ kind }) => kind === 'reset',
  );
  const start = at('2025-01-01T00:00:00Z');
  const grant = (id: string, priority: number, maxRollover: number, effectiveAt: number): Grant => ({
    id,
    priority,
    amount: toQuantity(1000),
    effectiveAt,
    minRollover: ZERO,
    maxRollover: toQuantity(maxRollover),
    createdAt: start,
  });
  const hours = (count: number): number => start + count * HOUR_MS;

  test('rollover sum, then chained', () => {
    expect(chained?.steps).toEqual([
      'g1 1000 prio1 max1000',
      'g2 1000 prio3 max100 effective +2h',
      'usage 600 @+1m',
      'reset @+5h => balance 500 (400+100)',
      'g3 1000 @+6h',
      'usage 300',
      'reset => 1200 {g1:100,g2:100,g3:1000}',
    ]);
    const grants = [
      grant('g1', 1, 1000, start),
      grant('g2', 3, 100, hours(2)),
      grant('g3', 2, 1000, hours(6)),
    ];
    const resets = [hours(5), hours(8)].map((reset) => ({ at: reset, preserveOverage: false }));
    const events = [
      [start + MINUTE_MS, 600],
      [hours(7), 300],
    ] as const;
    const first = runOverEvents({ grants: grants.slice(0, 2), resets, events, from: start, to: hours(5) });
    expect(balanceOf(first.state).toNumber()).toBe(500);
    const second = runOverEvents({
      grants,
      resets,
      events,
      from: hours(5),
      to: hours(8),
      start: first.state,
    });
    expect([...second.state.balances].map(([id, balance]) => [id, balance.toNumber()])).toEqual([
      ['g1', 100],
      ['g3', 1000],
      ['g2', 100],
    ]);
    expect(balanceOf(second.state).toNumber()).toBe(1200);
  });

  test('without grants: balance, usage and overage are zero after it', () => {
    const { state } = runOverEvents({
      grants: [],
      resets: [{ at: hours(2), preserveOverage: false }],
      events: [[hours(1), 7]],
      from: start,
      to: hours(2),
    });
    expect([balanceOf(state), state.usageInPeriod, state.overage].map(Number)).toEqual([0, 0, 0]);
  });

  test.each([
    [0, 'before measureUsageFrom or current period start', { at: hours(-1) }, 'before_current_period'],
    [0, 'current period start', { at: hours(2), periodFrom: hours(3) }, 'before_current_period'],
    [1, 'in future', { at: hours(5) }, 'in_the_future'],
    [2, 'second reset', { at: hours(3), lastResetAt: hours(3) }, 'not_after_last_reset'],
  ])('errors, step %i: reset %s', (step, text, request, refusal) => {
    expect(errors?.steps?.[step]).toContain(text);
    const base = { now: hours(4), periodFrom: start, measureUsageFrom: start };
    expect(refusalOfReset({ ...base, ...request })).toBe(refusal);
  });

  test('are allowed from the start of the period to now, a millisecond after the last', () => {
    const base = { now: hours(4), periodFrom: hours(1), measureUsageFrom: start };
    expect(refusalOfReset({ ...base, at: hours(1) })).toBeUndefined();
    expect(refusalOfReset({ ...base, at: hours(4), lastResetAt: hours(4) - 1 })).toBeUndefined();
  });
});

describe('the expiry of a grant', () => {
  // OpenMeter lets these dates overflow, to March 3 and to March 1; periods and recurrences clamp there too.
  test.each([
    ['2025-01-31T10:00:00Z', 'MONTH', 1, '2025-02-28T10:00:00Z'],
    ['2024-02-29T00:00:00Z', 'YEAR', 1, '2025-02-28T00:00:00Z'],
    ['2025-01-31T10:00:00Z', 'MONTH', 2, '2025-03-31T10:00:00Z'],
    ['2025-01-31T10:00:00Z', 'WEEK', 1, '2025-02-07T10:00:00Z'],
    ['2025-01-31T10:00:00Z', 'HOUR', 36, '2025-02-01T22:00:00Z'],
  ])('%s and %s x %i is clamped to %s', (effectiveAt, duration, count, expected) => {
    expect(expiryOf(at(effectiveAt), parseInterval(duration)!, count)).toBe(at(expected));
  });
});
