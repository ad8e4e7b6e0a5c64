import { boundariesBetween, type Period, periodAt } from '../primitives/periods';
import type { Reset } from './burn-down/plan-segments';
import type { ManualReset, MeteredEntitlement } from './entitlement';

/** What decides the usage periods of an entitlement: when measuring began, and the resets by hand, oldest first. */
export interface PeriodRules {
  entitlement: Pick<MeteredEntitlement, 'measureUsageFrom' | 'usagePeriod' | 'preserveOverageAtReset'>;
  manualResets: readonly ManualReset[];
}

/** The stretch around `at` in which one anchor holds: from a reset by hand (or the first measuring) to the next one. */
const stretchAt = ({ entitlement, manualResets }: PeriodRules, at: number) => {
  let from = entitlement.measureUsageFrom;
  let { anchor } = entitlement.usagePeriod;
  let to = Number.POSITIVE_INFINITY;
  for (const reset of manualResets) {
    if (reset.at <= at) {
      from = reset.at;
      anchor = reset.anchor;
    } else {
      to = reset.at;
      break;
    }
  }
  return { from, to, schedule: { anchor, interval: entitlement.usagePeriod.interval } };
};

/**
 * The usage period that holds `at`. Boundaries are counted from the anchor; the first period, and one cut by a reset by
 * hand, are short (reference: OpenMeter's usage periods). Before measuring began there is only the first period.
 */
export const usagePeriodAt = (rules: PeriodRules, at: number): Period => {
  const { from, to, schedule } = stretchAt(rules, at);
  const instant = Math.max(at, from);
  const period = periodAt(schedule, instant);
  return { from: Math.max(period.from, from), to: Math.min(period.to, to) };
};

/** Every reset in (after, until], by hand or because a period ended, oldest first. */
export const resetsBetween = (
  rules: PeriodRules,
  after: number,
  until: number,
): (Reset & { isManual: boolean })[] => {
  const { entitlement, manualResets } = rules;
  const resets: (Reset & { isManual: boolean })[] = [];
  let from = after;
  while (from < until) {
    const { to, schedule } = stretchAt(rules, from);
    const end = Math.min(to - 1, until);
    for (const at of boundariesBetween(schedule, from + 1, end)) {
      if (at <= entitlement.measureUsageFrom) continue;
      resets.push({ at, preserveOverage: entitlement.preserveOverageAtReset, isManual: false });
    }
    const manual = manualResets.find((reset) => reset.at === to);
    if (manual && manual.at <= until) {
      resets.push({ at: manual.at, preserveOverage: manual.preserveOverage, isManual: true });
    }
    from = to;
  }
  return resets;
};
