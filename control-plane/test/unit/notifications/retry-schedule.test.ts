import fc from 'fast-check';
import {
  type AttemptOutcome,
  decide,
  jitter,
  longestRetryAfterMs,
  retryPausesMs,
} from '../../../src/notifications/delivery/retry-schedule';

const now = Date.parse('2026-01-31T12:00:00Z');
const outcome = (statusCode: number | undefined, more: Partial<AttemptOutcome> = {}): AttemptOutcome => ({
  statusCode,
  body: statusCode === undefined ? 'connect ECONNREFUSED' : '',
  durationMs: 1,
  ...more,
});

describe('what follows from an attempt', () => {
  it.each([200, 201, 204, 299])('a %i ends it with success', (statusCode) => {
    expect(decide(outcome(statusCode), 3, false, now, 0.5)).toEqual({
      state: 'SUCCESS',
      reason: '',
      dueAt: null,
    });
  });

  it.each([302, 400, 401, 404, 429, 500, 503, undefined])('a %s is tried again', (statusCode) => {
    expect(decide(outcome(statusCode), 0, false, now, 0.5)).toMatchObject({
      state: 'SENDING',
      reason: statusCode === undefined ? 'connect ECONNREFUSED' : `the receiver answered ${statusCode}`,
      dueAt: now + 1_000,
    });
  });

  it('410 ends it at once: the receiver wants no more', () => {
    expect(decide(outcome(410), 0, false, now, 0.5)).toMatchObject({ state: 'FAILED', dueAt: null });
  });

  it('a resend by hand stays one until it ends', () => {
    expect(decide(outcome(500), 0, true, now, 0.5).state).toBe('RESENDING');
    expect(decide(outcome(200), 0, true, now, 0.5).state).toBe('SUCCESS');
  });

  it('it is given up when the schedule is used up, and not before', () => {
    for (let tries = 0; tries < retryPausesMs.length; tries += 1) {
      expect(decide(outcome(500), tries, false, now, 0.5).dueAt).toBe(now + retryPausesMs[tries]!);
    }
    expect(decide(outcome(500), retryPausesMs.length, false, now, 0.5)).toEqual({
      state: 'FAILED',
      reason: `the receiver answered 500; given up after ${retryPausesMs.length + 1} attempts`,
      dueAt: null,
    });
  });

  it('pauses stay within the jitter and never come before Retry-After', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: retryPausesMs.length - 1 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.option(fc.integer({ min: 0, max: 10_000_000 }), { nil: undefined }),
        (tries, random, retryAfter) => {
          const header = retryAfter === undefined ? undefined : String(retryAfter);
          const pause = decide(outcome(503, { retryAfter: header }), tries, false, now, random).dueAt! - now;
          const asked = Math.min((retryAfter ?? 0) * 1_000, longestRetryAfterMs);
          const planned = retryPausesMs[tries]!;
          expect(pause).toBeGreaterThanOrEqual(Math.max(asked, Math.floor(planned * (1 - jitter))));
          expect(pause).toBeLessThanOrEqual(Math.max(asked, Math.ceil(planned * (1 + jitter))));
        },
      ),
    );
  });

  it.each([
    ['120', 120_000],
    ['Sat, 31 Jan 2026 12:05:00 GMT', 300_000],
    ['Sat, 31 Jan 2026 11:00:00 GMT', 1_000],
    ['999999999', longestRetryAfterMs],
    ['soon', 1_000],
    ['-5', 1_000],
  ])('Retry-After: %s means %i ms', (retryAfter, pause) => {
    expect(decide(outcome(429, { retryAfter }), 0, false, now, 0.5).dueAt).toBe(now + pause);
  });
});
