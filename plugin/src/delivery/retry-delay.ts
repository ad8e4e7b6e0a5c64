/** Doubling from the first delay up to the longest, in milliseconds. */
export interface RetrySchedule {
  readonly initialRetryDelayMs: number;
  readonly maxRetryDelayMs: number;
}

/**
 * How long to wait before the next attempt, in milliseconds. `failures` counts from 1; `random` is in [0, 1).
 * Jitter takes away up to half, so that gateways which failed together do not come back together. What the
 * server asks for by Retry-After is kept, up to an hour.
 */
export function retryDelayMs(
  schedule: RetrySchedule,
  failures: number,
  random: number,
  retryAfterMs: number | undefined,
): number {
  const doubled = schedule.initialRetryDelayMs * 2 ** Math.min(failures - 1, 40);
  const jittered = Math.min(doubled, schedule.maxRetryDelayMs) * (1 - random / 2);
  return Math.max(jittered, Math.min(retryAfterMs ?? 0, 3_600_000));
}

/** Reads Retry-After, seconds or an HTTP date, into milliseconds from `now`; undefined when it is neither. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
