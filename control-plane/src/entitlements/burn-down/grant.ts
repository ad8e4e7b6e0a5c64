import type { Quantity } from '../../primitives/decimal';
import { addDuration, type Duration } from '../../primitives/durations';
import type { Schedule } from '../../primitives/periods';

/**
 * An amount of usage that a customer may consume. All instants are epoch milliseconds. A grant is active from
 * `effectiveAt` (inclusive) until the earliest of expiry, void and deletion (exclusive).
 */
export interface Grant {
  readonly id: string;
  readonly amount: Quantity;
  /** Lower burns first. */
  readonly priority: number;
  readonly effectiveAt: number;
  readonly expiresAt?: number | undefined;
  /** At each boundary while active, the balance is SET to the amount; what was left does not accumulate. */
  readonly recurrence?: Schedule | undefined;
  /** At a reset the balance becomes min(maxRollover, max(minRollover, balance)). */
  readonly minRollover: Quantity;
  readonly maxRollover: Quantity;
  readonly createdAt: number;
  readonly voidedAt?: number | undefined;
  readonly deletedAt?: number | undefined;
}

/** The instant from which the grant is no longer active; Infinity when none is known. */
export function activeUntil({ expiresAt, voidedAt, deletedAt }: Grant): number {
  return Math.min(expiresAt ?? Infinity, voidedAt ?? Infinity, deletedAt ?? Infinity);
}

export function isActiveAt(grant: Grant, atMs: number): boolean {
  return grant.effectiveAt <= atMs && atMs < activeUntil(grant);
}

/**
 * The order in which grants burn: priority ascending, earliest expiry (none last), creation, id. It is total, so the order
 * in which grants are given never matters (OpenMeter leaves ties to the order of its query).
 */
export function compareBurnOrder(a: Grant, b: Grant): number {
  return (
    a.priority - b.priority ||
    compareNumbers(a.expiresAt ?? Infinity, b.expiresAt ?? Infinity) ||
    a.createdAt - b.createdAt ||
    (a.id < b.id ? -1 : Number(a.id > b.id))
  );
}

/**
 * When a grant that lasts `count` durations expires. A month's end is clamped as everywhere else: January 31 plus one
 * month is February 28. OpenMeter lets the date overflow (March 2 or 3) here, though not for periods and recurrences.
 */
export function expiryOf(effectiveAt: number, duration: Duration, count: number): number {
  return addDuration(effectiveAt, duration, count);
}

/** Subtraction would give NaN for two grants without expiry. */
function compareNumbers(a: number, b: number): number {
  return a < b ? -1 : Number(a > b);
}
