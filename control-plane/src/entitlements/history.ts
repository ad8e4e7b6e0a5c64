import { type Quantity, ZERO } from '../primitives/decimal';
import { type Period, type WindowSize, windowsOf } from '../primitives/periods';
import type { Queryable } from '../storage';
import type { BurntSegment } from './burn-down/burn-down';
import { isMeasured, type Segment } from './burn-down/plan-segments';
import type { Entitlement } from './entitlement';
import { planOf, runPlans } from './evaluate';
import type { LedgerPlan } from './ledger';
import { loadEntitlements } from './ledger-store';

/** How a balance went from `from` to `to`. */
export interface BalanceHistory {
  /** Every window, with or without usage. */
  windows: { period: Period; usage: Quantity; balanceAtStart: Quantity }[];
  /** Every stretch between two changes of grants or resets. */
  burnDown: BurntStretch[];
}

export interface BurntStretch {
  period: Period;
  usage: Quantity;
  overage: Quantity;
  balanceAtStart: Quantity;
  balanceAtEnd: Quantity;
  grantBalancesAtStart: ReadonlyMap<string, Quantity>;
  grantBalancesAtEnd: ReadonlyMap<string, Quantity>;
  grantUsages: { grantId: string; usage: Quantity }[];
}

export interface HistoryRequest {
  from: number;
  to: number;
  windowSize: WindowSize;
  /** IANA name. */
  timeZone: string;
}

/** Windows at most in one answer; a year by the hour fits. */
export const maximumWindows = 10_000;

/**
 * The history of a metered entitlement: its ledger is run from the snapshot before `from`, cut at the windows as well,
 * which changes no balance, and all cuts are measured at once.
 * @throws TooManyPeriodsError beyond {@link maximumWindows}
 */
export const readHistory = async (
  queryable: Queryable,
  entitlement: Entitlement,
  request: HistoryRequest,
): Promise<BalanceHistory> => {
  const { from, to } = request;
  const windows = windowsOf(from, to, request.windowSize, request.timeZone, maximumWindows).map((window) => ({
    from: Math.max(window.from, from),
    to: Math.min(window.to, to),
  }));
  const [loaded] = await loadEntitlements(queryable, [{ id: entitlement.id, at: from }]);
  const plan = loaded && planOf(loaded, to, false);
  if (!loaded || !plan) return { windows: [], burnDown: [] };
  const cut = cutPlan(plan, [from, ...windows.map((window) => window.to)]);
  const [result] = await runPlans(queryable, [loaded], [cut.plan]);
  const burnt = result!.segments.map((segment, index) => ({ segment, whole: cut.wholeOf[index]! }));
  // LATEST measures a level: the usage of a stretch is its last one, not a sum.
  const isLevel = plan.ledger.aggregation === 'LATEST';
  const within = burnt.filter(({ segment }) => segment.from >= from && segment.to <= to);
  return {
    windows: windowHistory(
      windows,
      within.map(({ segment }) => segment),
      isLevel,
    ),
    burnDown: burnDownHistory(within, isLevel),
  };
};

/** Cuts usage segments at instants, and remembers which segment each part belongs to. */
const cutPlan = (plan: LedgerPlan, instants: readonly number[]): { plan: LedgerPlan; wholeOf: number[] } => {
  const segments: Segment[] = [];
  const wholeOf: number[] = [];
  let next = 0;
  plan.segments.forEach((segment, whole) => {
    let { from } = segment;
    let refilledGrantIds = segment.kind === 'usage' ? segment.refilledGrantIds : [];
    while (next < instants.length && instants[next]! <= from) next += 1;
    if (segment.kind === 'usage') {
      for (; next < instants.length && instants[next]! < segment.to; next += 1) {
        segments.push({ kind: 'usage', from, to: instants[next]!, refilledGrantIds });
        wholeOf.push(whole);
        from = instants[next]!;
        refilledGrantIds = [];
      }
      segments.push({ kind: 'usage', from, to: segment.to, refilledGrantIds });
    } else segments.push(segment);
    wholeOf.push(whole);
  });
  return { plan: { ...plan, segments }, wholeOf };
};

const windowHistory = (windows: readonly Period[], segments: readonly BurntSegment[], isLevel: boolean) => {
  let next = 0;
  return windows.map((period) => {
    let usage = ZERO;
    let balanceAtStart: Quantity | undefined;
    for (; next < segments.length && segments[next]!.from < period.to; next += 1) {
      const segment = segments[next]!;
      if (!isMeasured(segment)) continue;
      balanceAtStart ??= segment.balanceAtStart;
      usage = isLevel ? segment.usage : usage.plus(segment.usage);
    }
    return { period, usage, balanceAtStart: balanceAtStart ?? ZERO };
  });
};

/** The parts of each segment put together again; segments of no length are left out. */
const burnDownHistory = (
  parts: readonly { segment: BurntSegment; whole: number }[],
  isLevel: boolean,
): BurntStretch[] => {
  const stretches = new Map<number, BurntStretch>();
  for (const { segment, whole } of parts) {
    if (!isMeasured(segment)) continue;
    const stretch = stretches.get(whole);
    stretches.set(whole, stretch ? joined(stretch, segment, isLevel) : stretchOf(segment));
  }
  return [...stretches.values()];
};

const stretchOf = (segment: BurntSegment): BurntStretch => ({
  period: { from: segment.from, to: segment.to },
  usage: segment.usage,
  overage: segment.overage,
  balanceAtStart: segment.balanceAtStart,
  balanceAtEnd: segment.balanceAtEnd,
  grantBalancesAtStart: segment.grantBalancesAtStart,
  grantBalancesAtEnd: segment.grantBalancesAtEnd,
  grantUsages: segment.grantUsages.map(({ grantId, usage }) => ({ grantId, usage })),
});

const joined = (before: BurntStretch, segment: BurntSegment, isLevel: boolean): BurntStretch => {
  const whole = {
    ...stretchOf(segment),
    period: { from: before.period.from, to: segment.to },
    balanceAtStart: before.balanceAtStart,
    grantBalancesAtStart: before.grantBalancesAtStart,
  };
  if (isLevel) return whole;
  const usages = new Map(before.grantUsages.map(({ grantId, usage }) => [grantId, usage]));
  for (const { grantId, usage } of segment.grantUsages) {
    usages.set(grantId, (usages.get(grantId) ?? ZERO).plus(usage));
  }
  return {
    ...whole,
    usage: before.usage.plus(segment.usage),
    grantUsages: [...usages].map(([grantId, usage]) => ({ grantId, usage })),
  };
};
