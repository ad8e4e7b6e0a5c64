import {
  type BurnDownAggregation,
  type BurnDownResult,
  type BurnDownState,
  burnDown,
  openingState,
} from '../../../src/entitlements/burn-down/burn-down';
import type { Grant } from '../../../src/entitlements/burn-down/grant';
import { isMeasured, planSegments, type Reset } from '../../../src/entitlements/burn-down/plan-segments';
import { type Quantity, toQuantity, ZERO } from '../../../src/primitives/decimal';

/** Time in epoch milliseconds and value; for UNIQUE_COUNT the value is what is distinct or not. */
export type UsageEvent = readonly [at: number, value: number | string];

export interface Run {
  grants: readonly Grant[];
  resets?: readonly Reset[];
  events: readonly UsageEvent[];
  from: number;
  to: number;
  aggregation?: BurnDownAggregation;
  start?: BurnDownState;
}

/** Plans and burns with the usage that follows from a list of events, as the stores would measure it. */
export function runOverEvents(run: Run): BurnDownResult {
  const { grants, resets = [], events, from, to, aggregation = 'SUM' } = run;
  const start = run.start ?? openingState(grants, from);
  const segments = planSegments({ grants, resets, from, to });
  let periodFrom = start.periodFrom;
  const measurements = segments.map((segment) => {
    if (segment.kind === 'rollover') periodFrom = segment.to;
    return isMeasured(segment)
      ? measure(events, aggregation, periodFrom, segment.from, segment.to)
      : undefined;
  });
  return burnDown({ grants, segments, measurements, start, aggregation });
}

function measure(
  events: readonly UsageEvent[],
  aggregation: BurnDownAggregation,
  periodFrom: number,
  from: number,
  to: number,
): Quantity | undefined {
  const within = (start: number) => events.filter(([at]) => start <= at && at < to);
  if (aggregation === 'COUNT') return toQuantity(within(from).length);
  if (aggregation === 'UNIQUE_COUNT')
    return toQuantity(new Set(within(periodFrom).map(([, value]) => value)).size);
  if (aggregation === 'SUM') return within(from).reduce((sum, [, value]) => sum.plus(value), ZERO);
  const latest = within(from).reduce<UsageEvent | undefined>(
    (last, event) => (last === undefined || event[0] >= last[0] ? event : last),
    undefined,
  );
  return latest === undefined ? undefined : toQuantity(latest[1]);
}
