import type { Quantity } from '../primitives/decimal';
import { formatQuantity, ZERO } from '../primitives/decimal';
import { parseInterval } from '../primitives/durations';
import type { IdentifierSource } from '../primitives/identifiers';
import { invalid } from '../primitives/refusal';
import { expiryOf } from './burn-down/grant';
import type { GrantRecord } from './grant-store';

/** What a caller decides about a grant. Times are epoch milliseconds. */
export interface NewGrant {
  amount: Quantity;
  /** Lower burns first; 0 unless given. */
  priority?: number | undefined;
  effectiveAt: number;
  expiration?: { duration: 'HOUR' | 'DAY' | 'WEEK' | 'MONTH' | 'YEAR'; count: number } | undefined;
  minRollover?: Quantity | undefined;
  maxRollover?: Quantity | undefined;
  recurrence?: { interval: string; anchor?: number | undefined } | undefined;
  metadata?: Record<string, string> | undefined;
  annotations?: Record<string, unknown> | undefined;
}

/** A grant may be given this far ahead, milliseconds: 100 years. */
const maximumAheadMs = 100 * 366 * 86_400_000;

/**
 * Works out a grant from what a caller decided; pure.
 *
 * @param periodFrom the start of the present usage period: a grant cannot change periods that are over
 * @param path JSONPath of the grant in the request
 * @throws Refusal `invalid_grant` naming the field
 */
export const newGrant = (
  input: NewGrant,
  entitlementId: string,
  periodFrom: number,
  path: string,
  newId: IdentifierSource,
  now: number,
): GrantRecord => {
  const refuse = (field: string, code: string, message: string) =>
    invalid('invalid_grant', message, [{ code, field: `${path}.${field}`, message }]);
  const { amount, effectiveAt, expiration, minRollover = ZERO, maxRollover = ZERO } = input;
  if (!amount.greaterThan(ZERO)) {
    throw refuse('amount', 'out_of_range', `amount must be greater than 0, not ${formatQuantity(amount)}`);
  }
  if (effectiveAt < periodFrom) {
    const from = new Date(periodFrom).toISOString();
    throw refuse(
      'effectiveAt',
      'before_current_period',
      `effectiveAt must not be before the present usage period, which began at ${from}`,
    );
  }
  if (effectiveAt > now + maximumAheadMs) {
    throw refuse('effectiveAt', 'out_of_range', 'effectiveAt must be within the next 100 years');
  }
  if (minRollover.isNegative() && !minRollover.isZero())
    throw refuse('minRolloverAmount', 'out_of_range', 'minRolloverAmount must not be negative');
  if (maxRollover.lessThan(minRollover))
    throw refuse('maxRolloverAmount', 'out_of_range', 'maxRolloverAmount must be at least minRolloverAmount');
  const interval = input.recurrence ? parseInterval(input.recurrence.interval) : undefined;
  if (input.recurrence && !interval) {
    const message =
      'recurrence.interval must be DAY, WEEK, MONTH, YEAR or an ISO 8601 duration of at least one hour';
    throw refuse('recurrence.interval', 'invalid_interval', message);
  }
  return {
    id: newId(),
    entitlementId,
    amount,
    priority: input.priority ?? 0,
    effectiveAt,
    expiration: expiration ?? null,
    expiresAt: expiration && expiryOf(effectiveAt, parseInterval(expiration.duration)!, expiration.count),
    recurrence: interval && { interval, anchor: input.recurrence?.anchor ?? effectiveAt },
    minRollover,
    maxRollover,
    metadata: input.metadata ?? {},
    annotations: input.annotations ?? {},
    createdAt: now,
    updatedAt: now,
  };
};
