import type { Quantity } from '../../primitives/decimal';
import { nextBoundaryAfter, type Period } from '../../primitives/periods';
import { type BurnDownState, balanceOf } from './burn-down';
import { activeUntil, type Grant } from './grant';

/**
 * Where an entitlement stands. Until the next breakpoint it is a function of usage alone: with E = `exhaustsAtUsage`, at
 * any usage u of the period, balance = max(0, E - u) and overage = max(0, u - E).
 */
export interface Standing {
  /** Usage in the period. */
  readonly usage: Quantity;
  readonly balance: Quantity;
  readonly overage: Quantity;
  /**
   * OpenMeter's totalAvailableGrantAmount: what grants covered in the period, plus what they still hold. It equals
   * `exhaustsAtUsage` unless overage was carried over a reset, which takes allowance without being usage of the period.
   */
  readonly totalAvailable: Quantity;
  /** E: the usage of the period at which the balance reaches zero; negative when carried overage alone exceeds it. */
  readonly exhaustsAtUsage: Quantity;
}

export function standingOf(state: BurnDownState): Standing {
  const balance = balanceOf(state);
  return {
    usage: state.usageInPeriod,
    balance,
    overage: state.overage,
    totalAvailable: state.grantUsageInPeriod.plus(balance).minus(state.credit),
    exhaustsAtUsage: state.usageInPeriod.plus(balance).minus(state.overage),
  };
}

/**
 * The next instant after `nowMs` at which anything but usage can change the balance: a grant takes effect, recurs, expires
 * or is voided, or the period ends. Until then a standing stays valid.
 */
export function nextBreakpoint(grants: readonly Grant[], period: Period, nowMs: number): number {
  return grants.reduce((next, grant) => Math.min(next, nextChangeOf(grant, nowMs)), period.to);
}

function nextChangeOf(grant: Grant, nowMs: number): number {
  const end = activeUntil(grant);
  if (end <= nowMs || end <= grant.effectiveAt) return Infinity;
  if (grant.effectiveAt > nowMs) return grant.effectiveAt;
  return grant.recurrence === undefined ? end : Math.min(end, nextBoundaryAfter(grant.recurrence, nowMs));
}
