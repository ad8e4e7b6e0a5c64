/** Why a usage period cannot be reset at an instant. */
export type ResetRefusal = 'before_current_period' | 'in_the_future' | 'not_after_last_reset';

export interface ResetRequest {
  /** When the reset is to take effect; all instants are epoch milliseconds. */
  readonly at: number;
  readonly now: number;
  /** The start of the present usage period, scheduled rollovers included. */
  readonly periodFrom: number;
  readonly measureUsageFrom: number;
  /** The last reset that was asked for, if any. */
  readonly lastResetAt?: number | undefined;
}

/**
 * Whether a reset must be refused: it may lie in the present period only, not in the future, and after the last one.
 * OpenMeter's rules, but to the millisecond; OpenMeter refuses a second reset within the same minute.
 */
export function refusalOfReset(request: ResetRequest): ResetRefusal | undefined {
  const { at, now, periodFrom, measureUsageFrom, lastResetAt } = request;
  if (at > now) return 'in_the_future';
  if (lastResetAt !== undefined && at <= lastResetAt) return 'not_after_last_reset';
  if (at < measureUsageFrom || at < periodFrom) return 'before_current_period';
  return undefined;
}
