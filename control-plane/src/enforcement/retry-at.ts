const minuteMs = 60_000;

/** Consumers and groups are made by people, so what is missing is looked for slowly; sweeps find it sooner. */
const slowCodes: ReadonlySet<string> = new Set(['consumer_missing', 'group_missing']);

/**
 * When a task that failed by itself is tried again, epoch milliseconds: after a second and then twice as long each time,
 * up to five minutes; what is missing once at once more, since it may have been made anew under another id, and then from
 * a minute to ten.
 */
export const retryAt = (code: string, attempts: number, now: number): number => {
  if (!slowCodes.has(code)) return now + Math.min(1_000 * 2 ** Math.min(attempts, 20), 5 * minuteMs);
  if (attempts === 0) return now + 1_000;
  return now + Math.min(minuteMs * 2 ** Math.min(attempts - 1, 10), 10 * minuteMs);
};
