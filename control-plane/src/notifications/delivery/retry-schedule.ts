const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/**
 * The pauses before the second attempt, the third, and so on, in milliseconds: in all ten attempts in about 28 hours.
 * A short disturbance is bridged in seconds, a night's outage by the long ones at the end.
 */
export const retryPausesMs: readonly number[] = [
  second,
  5 * second,
  30 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  10 * hour,
];

/** A pause is drawn from [1 - jitter, 1 + jitter] times its length, so that what failed together does not return together. */
export const jitter = 0.2;

/** A receiver may ask for a longer pause with Retry-After, but for no longer than this. */
export const longestRetryAfterMs = 6 * hour;

/** How one attempt ended. */
export interface AttemptOutcome {
  /** Undefined when there was no answer. */
  statusCode: number | undefined;
  /** The beginning of the answer, or why there was none. */
  body: string;
  durationMs: number;
  /** The answer's Retry-After header, if it had one. */
  retryAfter?: string | undefined;
}

export interface DeliveryDecision {
  state: 'SUCCESS' | 'FAILED' | 'SENDING' | 'RESENDING';
  /** For people; empty on success. */
  reason: string;
  /** Epoch milliseconds of the next attempt; null when there is none. */
  dueAt: number | null;
}

/**
 * What follows from an attempt: 2xx is success; 410 Gone ends the delivery (Standard Webhooks: the receiver wants no more);
 * anything else, redirects included, is tried again until the schedule is used up.
 *
 * @param tries attempts that ended before this one since the delivery was created or sent again by hand
 * @param random a number in [0, 1)
 */
export const decide = (
  outcome: AttemptOutcome,
  tries: number,
  isResend: boolean,
  now: number,
  random: number,
): DeliveryDecision => {
  const { statusCode } = outcome;
  if (statusCode !== undefined && statusCode >= 200 && statusCode < 300) {
    return { state: 'SUCCESS', reason: '', dueAt: null };
  }
  const failure =
    statusCode === undefined ? outcome.body || 'no answer' : `the receiver answered ${statusCode}`;
  if (statusCode === 410) return { state: 'FAILED', reason: `${failure}: it wants no more`, dueAt: null };
  const pause = retryPausesMs[tries];
  if (pause === undefined) {
    return { state: 'FAILED', reason: `${failure}; given up after ${tries + 1} attempts`, dueAt: null };
  }
  const drawn = Math.round(pause * (1 - jitter + 2 * jitter * random));
  const asked = retryAfterMs(outcome.retryAfter, now);
  return {
    state: isResend ? 'RESENDING' : 'SENDING',
    reason: failure,
    dueAt: now + Math.max(drawn, Math.min(asked, longestRetryAfterMs)),
  };
};

/** Retry-After in milliseconds from now: seconds, or an HTTP date (RFC 9110, 10.2.3); 0 when absent or unreadable. */
const retryAfterMs = (header: string | undefined, now: number): number => {
  if (header === undefined) return 0;
  if (/^\d{1,10}$/.test(header.trim())) return Number(header) * second;
  const date = Date.parse(header);
  return Number.isFinite(date) ? Math.max(0, date - now) : 0;
};
