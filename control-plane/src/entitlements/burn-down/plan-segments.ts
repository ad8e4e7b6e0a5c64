import { boundariesBetween } from '../../primitives/periods';
import { activeUntil, type Grant } from './grant';

/** The end of a usage period: balances roll over, usage starts again at zero. */
export interface Reset {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Whether overage is carried into the next period and burned there; otherwise it is dropped. */
  readonly preserveOverage: boolean;
}

/** A span in which usage alone changes a balance; `to` is exclusive. */
export interface UsageSegment {
  readonly kind: 'usage';
  readonly from: number;
  readonly to: number;
  /** Grants whose balance becomes their full amount at `from`: they take effect or recur then. */
  readonly refilledGrantIds: readonly string[];
}

/** The transition at a reset; `from` equals `to`. */
export interface RolloverSegment {
  readonly kind: 'rollover';
  readonly from: number;
  readonly to: number;
  readonly preserveOverage: boolean;
}

export type Segment = UsageSegment | RolloverSegment;

export interface SegmentPlanInput {
  readonly grants: readonly Grant[];
  readonly resets: readonly Reset[];
  readonly from: number;
  readonly to: number;
}

/**
 * Cuts [from, to] wherever something other than usage changes a balance: at resets, and where a grant takes effect,
 * recurs, expires, is voided or deleted.
 *
 * What happens at `from` itself counts as done (the starting state holds it already); what happens at `to` is planned, as
 * a last segment of no length. So runs chained end to start apply each change exactly once. OpenMeter's engine splits the
 * same way (openmeter/credit/engine), but to the minute.
 */
export function planSegments({ grants, resets, from, to }: SegmentPlanInput): Segment[] {
  if (!(from <= to)) throw new RangeError(`a plan must not end before it starts: ${from} to ${to}`);
  const resetAt = new Map(resets.filter(({ at }) => from < at && at <= to).map((reset) => [reset.at, reset]));
  const changes = changesBetween(grants, from, to);
  for (const at of resetAt.keys()) {
    if (!changes.has(at)) changes.set(at, []);
  }
  const starts = [...changes.keys()].sort((a, b) => a - b);

  const segments: Segment[] = [{ kind: 'usage', from, to: starts[0] ?? to, refilledGrantIds: [] }];
  starts.forEach((at, index) => {
    const reset = resetAt.get(at);
    if (reset !== undefined) {
      segments.push({ kind: 'rollover', from: at, to: at, preserveOverage: reset.preserveOverage });
    }
    segments.push({
      kind: 'usage',
      from: at,
      to: starts[index + 1] ?? to,
      refilledGrantIds: changes.get(at) ?? [],
    });
  });
  return segments;
}

/** Whether usage can fall into the segment, so that it must be measured; the others take none. */
export function isMeasured(segment: Segment): boolean {
  return segment.kind === 'usage' && segment.from < segment.to;
}

/** The instants in (from, to] at which a grant changes by itself, each with the grants that are refilled then. */
function changesBetween(grants: readonly Grant[], from: number, to: number): Map<number, string[]> {
  const refilledAt = new Map<number, string[]>();
  const change = (at: number): string[] => {
    const refilled = refilledAt.get(at) ?? [];
    refilledAt.set(at, refilled);
    return refilled;
  };
  for (const grant of grants) {
    const end = activeUntil(grant);
    if (end <= grant.effectiveAt) continue;
    for (const at of refillsBetween(grant, from, to)) change(at).push(grant.id);
    if (from < end && end <= to) change(end);
  }
  return refilledAt;
}

function refillsBetween(grant: Grant, from: number, to: number): Set<number> {
  const { effectiveAt, recurrence } = grant;
  const refills = new Set<number>();
  if (from < effectiveAt && effectiveAt <= to) refills.add(effectiveAt);
  if (recurrence === undefined) return refills;
  const first = Math.max(effectiveAt, from + 1);
  const last = Math.min(activeUntil(grant) - 1, to);
  for (const at of boundariesBetween(recurrence, first, last)) refills.add(at);
  return refills;
}
