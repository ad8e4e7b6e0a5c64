import { Temporal } from '@js-temporal/polyfill';
import {
  addDuration,
  DAY_MS,
  type Duration,
  HOUR_MS,
  hasFixedLength,
  MINUTE_MS,
  meanLengthMs,
} from './durations';

/** From inclusive, to exclusive; epoch milliseconds. */
export interface Period {
  readonly from: number;
  readonly to: number;
}

/** Boundaries at anchor + n x interval for every whole n, each counted from the anchor itself so that none drifts. */
export interface Schedule {
  /** Epoch milliseconds. */
  readonly anchor: number;
  readonly interval: Duration;
}

export type WindowSize = 'MINUTE' | 'HOUR' | 'DAY' | 'MONTH';

const MAX_PERIODS = 1_000_000;

/** More boundaries or windows would be listed than the caller allows. */
export class TooManyPeriodsError extends RangeError {
  readonly code = 'too_many_periods';

  constructor(readonly limit: number) {
    super(`more than ${limit} periods between the two instants`);
  }
}

/** Whether the name is one of the IANA time zone database (offsets such as +02:00 are not). */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The period of the schedule that holds the instant, before the anchor too. */
export function periodAt(schedule: Schedule, atMs: number, timeZone = 'UTC'): Period {
  const n = periodIndexAt(schedule, atMs, timeZone);
  return { from: boundary(schedule, n, timeZone), to: boundary(schedule, n + 1, timeZone) };
}

/**
 * The schedule's boundaries from `fromMs` to `toMs`, both inclusive, ascending.
 *
 * @throws TooManyPeriodsError when there are more than `limit`
 */
export function boundariesBetween(
  schedule: Schedule,
  fromMs: number,
  toMs: number,
  timeZone = 'UTC',
  limit = MAX_PERIODS,
): number[] {
  const boundaries: number[] = [];
  if (fromMs > toMs) return boundaries;
  let n = periodIndexAt(schedule, fromMs, timeZone);
  if (boundary(schedule, n, timeZone) < fromMs) n += 1;
  for (let at = boundary(schedule, n, timeZone); at <= toMs; at = boundary(schedule, n, timeZone)) {
    if (boundaries.length === limit) throw new TooManyPeriodsError(limit);
    boundaries.push(at);
    n += 1;
  }
  return boundaries;
}

/** The first boundary of the schedule after the instant. */
export function nextBoundaryAfter(schedule: Schedule, atMs: number, timeZone = 'UTC'): number {
  return periodAt(schedule, atMs, timeZone).to;
}

/**
 * The tumbling windows that cover [fromMs, toMs), aligned to the wall clock of the zone: contiguous, the first starts at or
 * before `fromMs`, the last ends at or after `toMs`. A day may have 23 or 25 hours. A clock change that is no whole number
 * of hours (Lord Howe Island: 30 minutes) starts a new minute or hour window, so none overlaps.
 *
 * @throws TooManyPeriodsError when there are more than `limit`
 */
export function windowsOf(
  fromMs: number,
  toMs: number,
  size: WindowSize,
  timeZone = 'UTC',
  limit = MAX_PERIODS,
): Period[] {
  if (fromMs >= toMs) return [];
  const starts =
    size === 'MINUTE' || size === 'HOUR'
      ? clockStarts(fromMs, toMs, size === 'HOUR' ? HOUR_MS : MINUTE_MS, timeZone, limit)
      : dateStarts(fromMs, toMs, size, timeZone, limit);
  return starts.slice(0, -1).map((from, index) => ({ from, to: starts[index + 1] as number }));
}

function boundary({ anchor, interval }: Schedule, n: number, timeZone: string): number {
  return addDuration(anchor, interval, n, timeZone);
}

/** Estimates n by the mean length, then corrects by the step or two that calendars and clock changes take off it. */
function periodIndexAt(schedule: Schedule, atMs: number, timeZone: string): number {
  const lengthMs = meanLengthMs(schedule.interval);
  if (!(lengthMs > 0)) throw new RangeError('the interval of a schedule must be longer than zero');
  let n = Math.floor((atMs - schedule.anchor) / lengthMs);
  if (hasFixedLength(schedule.interval, timeZone)) return n;
  while (boundary(schedule, n, timeZone) > atMs) n -= 1;
  while (boundary(schedule, n + 1, timeZone) <= atMs) n += 1;
  return n;
}

/** Starts of the windows that cover [fromMs, toMs), and the end of the last, for sizes that divide an hour of the clock. */
function clockStarts(
  fromMs: number,
  toMs: number,
  sizeMs: number,
  timeZone: string,
  limit: number,
): number[] {
  const starts: number[] = [];
  // A window may begin or end outside [fromMs, toMs), where the offset may be another.
  const spans = offsetSpans(fromMs - sizeMs, toMs + sizeMs, timeZone);
  for (const { from, to, offsetMs } of spans) {
    let start = Math.floor((from + offsetMs) / sizeMs) * sizeMs - offsetMs;
    for (; start < to; start += sizeMs) {
      starts.push(Math.max(start, from));
      if (starts.length > limit + 4) throw new TooManyPeriodsError(limit);
    }
  }
  return coverage(starts, fromMs, toMs, limit);
}

function dateStarts(
  fromMs: number,
  toMs: number,
  size: 'DAY' | 'MONTH',
  timeZone: string,
  limit: number,
): number[] {
  const step = size === 'DAY' ? { days: 1 } : { months: 1 };
  const date = Temporal.Instant.fromEpochMilliseconds(fromMs).toZonedDateTimeISO(timeZone).toPlainDate();
  let day = size === 'DAY' ? date : date.with({ day: 1 });
  const starts: number[] = [];
  for (;;) {
    const start = day.toZonedDateTime(timeZone).startOfDay().epochMilliseconds;
    // A date that the zone skipped (Samoa, 2011-12-30) starts when the next one does: no window.
    if (start !== starts.at(-1)) starts.push(start);
    if (start >= toMs) return coverage(starts, fromMs, toMs, limit);
    if (starts.length > limit + 4) throw new TooManyPeriodsError(limit);
    day = day.add(step);
  }
}

/** Drops the starts that lie outside the windows covering [fromMs, toMs). */
function coverage(starts: number[], fromMs: number, toMs: number, limit: number): number[] {
  const first = starts.findLastIndex((start) => start <= fromMs);
  const end = starts.findIndex((start) => start >= toMs);
  if (end - first > limit) throw new TooManyPeriodsError(limit);
  return starts.slice(first, end + 1);
}

interface OffsetSpan extends Period {
  readonly offsetMs: number;
}

/** Cuts [fromMs, toMs) where the zone's offset from UTC changes; found by day steps, then by bisection. */
function offsetSpans(fromMs: number, toMs: number, timeZone: string): OffsetSpan[] {
  if (timeZone === 'UTC') return [{ from: fromMs, to: toMs, offsetMs: 0 }];
  const spans: OffsetSpan[] = [];
  let from = fromMs;
  let offsetMs = offsetAt(from, timeZone);
  for (let at = fromMs; at < toMs; ) {
    const next = Math.min(at + DAY_MS, toMs);
    if (offsetAt(next, timeZone) === offsetMs) {
      at = next;
      continue;
    }
    const change = bisect(at, next, (instant) => offsetAt(instant, timeZone) !== offsetMs);
    spans.push({ from, to: change, offsetMs });
    from = change;
    at = change;
    offsetMs = offsetAt(change, timeZone);
  }
  if (from < toMs) spans.push({ from, to: toMs, offsetMs });
  return spans;
}

/** The first instant in (low, high] for which the predicate holds; it does not at low and does at high. */
function bisect(low: number, high: number, holds: (instant: number) => boolean): number {
  let [before, after] = [low, high];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (holds(middle)) after = middle;
    else before = middle;
  }
  return after;
}

function offsetAt(instantMs: number, timeZone: string): number {
  const zoned = Temporal.Instant.fromEpochMilliseconds(instantMs).toZonedDateTimeISO(timeZone);
  return zoned.offsetNanoseconds / 1e6;
}
