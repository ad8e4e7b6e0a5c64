import type { GroupFilter } from '../metering';
import { type Quantity, ZERO } from '../primitives/decimal';
import type { Period } from '../primitives/periods';
import {
  type BurnDownAggregation,
  type BurnDownResult,
  type BurnDownState,
  burnDown,
  openingState,
} from './burn-down/burn-down';
import type { Grant } from './burn-down/grant';
import { isMeasured, planSegments, type Segment } from './burn-down/plan-segments';
import { nextBreakpoint } from './burn-down/standing';
import type { ManualReset, MeteredEntitlement } from './entitlement';
import { resetsBetween, usagePeriodAt } from './usage-periods';

/** What a metered entitlement's balance follows from, but for the usage itself. */
export interface Ledger {
  entitlement: MeteredEntitlement;
  aggregation: BurnDownAggregation;
  filters: GroupFilter;
  grants: readonly Grant[];
  manualResets: readonly ManualReset[];
  /** The newest known state at the start of a period, or undefined to start where measuring began. */
  snapshot: BurnDownState | undefined;
}

/** A ledger cut into segments up to an instant, before their usage is known. */
export interface LedgerPlan {
  ledger: Ledger;
  start: BurnDownState;
  segments: readonly Segment[];
  resets: readonly { at: number; isManual: boolean }[];
  period: Period;
  /** The instant after `at` at which something but usage changes the balance. */
  validUntil: number;
}

/** A stretch whose usage must be measured; for UNIQUE_COUNT it begins with the period. */
export interface MeasuredSpan {
  segment: number;
  from: number;
  to: number;
}

/**
 * Cuts a ledger from its snapshot to `at`.
 *
 * @param isOpen whether the last segment reaches on to the next breakpoint, so that events dated a little ahead (clocks
 *   differ) count at once, as they do in the running usage; otherwise it ends at `at` exactly.
 */
export const planLedger = (ledger: Ledger, at: number, isOpen: boolean): LedgerPlan => {
  const { entitlement, grants, manualResets } = ledger;
  const rules = { entitlement, manualResets };
  const start = ledger.snapshot ?? openingState(grants, entitlement.measureUsageFrom);
  const until = Math.max(at, start.at);
  const resets = resetsBetween(rules, start.at, until);
  const period = usagePeriodAt(rules, until);
  const segments = planSegments({ grants, resets, from: start.at, to: until });
  const validUntil = nextBreakpoint(grants, period, until);
  if (isOpen) {
    const last = segments.length - 1;
    segments[last] = { ...segments[last]!, to: validUntil };
  }
  return { ledger, start, segments, resets, period, validUntil };
};

/** What must be measured for a plan. */
export const measuredSpans = ({ ledger, segments, start }: LedgerPlan): MeasuredSpan[] => {
  const spans: MeasuredSpan[] = [];
  let periodFrom = start.periodFrom;
  segments.forEach((segment, index) => {
    if (segment.kind === 'rollover') periodFrom = segment.from;
    else if (isMeasured(segment)) {
      const from = ledger.aggregation === 'UNIQUE_COUNT' ? periodFrom : segment.from;
      spans.push({ segment: index, from, to: segment.to });
    }
  });
  return spans;
};

/** Burns the measured usage down. `measurements` follow {@link measuredSpans}. */
export const settleLedger = (
  plan: LedgerPlan,
  spans: readonly MeasuredSpan[],
  measurements: readonly (Quantity | undefined)[],
): BurnDownResult => {
  const bySegment: (Quantity | undefined)[] = new Array(plan.segments.length).fill(undefined);
  spans.forEach((span, index) => {
    bySegment[span.segment] = measurements[index];
  });
  return burnDown({
    grants: plan.ledger.grants,
    segments: plan.segments,
    measurements: bySegment,
    start: plan.start,
    aggregation: plan.ledger.aggregation,
  });
};

/** The states right after each rollover: what later runs may start from. */
export const statesAfterRollovers = ({ segments }: BurnDownResult): BurnDownState[] =>
  segments
    .filter((segment) => segment.kind === 'rollover')
    .map((segment) => ({
      at: segment.to,
      periodFrom: segment.to,
      balances: segment.grantBalancesAtEnd,
      overage: segment.overage,
      credit: ZERO,
      usageInPeriod: ZERO,
      grantUsageInPeriod: segment.grantUsages.reduce((sum, grant) => sum.plus(grant.usage), ZERO),
    }));
