import { Temporal } from '@js-temporal/polyfill';

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
/** The mean month and year of the 400-year Gregorian cycle. */
const MEAN_YEAR_MS = 365.2425 * DAY_MS;
const MEAN_MONTH_MS = MEAN_YEAR_MS / 12;

/** A component has at most this many digits, and a duration is at most 1,000 years, so that dates stay representable. */
const MAX_DURATION_MS = 1_000 * MEAN_YEAR_MS;
const ISO_DURATION =
  /^P(?=.)(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?=.)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:[.,](\d{1,3}))?S)?)?$/;

/**
 * A length of time as ISO 8601-1 section 5.5.2.4 states it. Months and days have no fixed length: they are counted on the
 * calendar, in a time zone. All components are whole and not negative.
 */
export interface Duration {
  readonly months: number;
  readonly days: number;
  readonly ms: number;
}

/** The interval names of OpenMeter's RecurringPeriodInterval. */
const NAMED_INTERVALS: Readonly<Record<string, Duration>> = {
  HOUR: { months: 0, days: 0, ms: HOUR_MS },
  DAY: { months: 0, days: 1, ms: 0 },
  WEEK: { months: 0, days: 7, ms: 0 },
  MONTH: { months: 1, days: 0, ms: 0 },
  YEAR: { months: 12, days: 0, ms: 0 },
};

/** Reads P1Y2M10DT5H30M45S, PT1H, P1W, PT0.5S and the like; undefined when malformed, negative or over 1,000 years. */
export function parseDuration(text: string): Duration | undefined {
  const match = ISO_DURATION.exec(text);
  if (match === null) return undefined;
  const at = (index: number): number => Number(match[index] ?? 0);
  const duration = {
    months: at(1) * 12 + at(2),
    days: at(3) * 7 + at(4),
    ms: at(5) * HOUR_MS + at(6) * MINUTE_MS + at(7) * SECOND_MS + Number((match[8] ?? '').padEnd(3, '0')),
  };
  return meanLengthMs(duration) <= MAX_DURATION_MS ? duration : undefined;
}

/**
 * Reads the interval of a usage period or of a recurrence: a name (HOUR, DAY, WEEK, MONTH, YEAR) or an ISO 8601 duration.
 * Undefined when it is malformed or shorter than `minimumMs`. OpenMeter asks for at least one hour; the bound also limits
 * how many boundaries a period can hold.
 */
export function parseInterval(text: string, minimumMs: number = HOUR_MS): Duration | undefined {
  const interval = Object.hasOwn(NAMED_INTERVALS, text) ? NAMED_INTERVALS[text] : parseDuration(text);
  return interval !== undefined && meanLengthMs(interval) >= Math.max(1, minimumMs) ? interval : undefined;
}

/** The ISO 8601 text, with whole years and hours split off (P14M is written P1Y2M); weeks are written where they are all. */
export function formatDuration({ months, days, ms }: Duration): string {
  if (months === 0 && ms === 0 && days > 0 && days % 7 === 0) return `P${days / 7}W`;
  const part = (amount: number | string, unit: string): string =>
    Number(amount) === 0 ? '' : `${amount}${unit}`;
  const seconds = (ms % MINUTE_MS) / SECOND_MS;
  const date = part(Math.floor(months / 12), 'Y') + part(months % 12, 'M') + part(days, 'D');
  const time =
    part(Math.floor(ms / HOUR_MS), 'H') +
    part(Math.floor((ms % HOUR_MS) / MINUTE_MS), 'M') +
    part(seconds, 'S');
  if (date === '' && time === '') return 'PT0S';
  return `P${date}${time === '' ? '' : `T${time}`}`;
}

/** The mean length in milliseconds, for estimates and bounds; exact for durations without months in UTC. */
export function meanLengthMs({ months, days, ms }: Duration): number {
  return months * MEAN_MONTH_MS + days * DAY_MS + ms;
}

/** Whether the duration is the same number of milliseconds everywhere and always. */
export function hasFixedLength({ months, days }: Duration, timeZone: string): boolean {
  return months === 0 && (days === 0 || timeZone === 'UTC');
}

/**
 * The instant `times` durations after `startMs` (before it when negative), in one step from the start: months first, with
 * the day clamped to the end of the month it lands in (Jan 31 + 1 month = Feb 28), then days on the wall clock of
 * `timeZone`, then exact time. A wall time that a clock change skips is moved forward, one that it repeats is the first.
 *
 * @throws RangeError when the result is out of the range of dates
 */
export function addDuration(startMs: number, duration: Duration, times = 1, timeZone = 'UTC'): number {
  const resultMs =
    timeZone === 'UTC' ? addInUtc(startMs, duration, times) : addInZone(startMs, duration, times, timeZone);
  if (!Number.isFinite(resultMs) || Math.abs(resultMs) > 8.64e15)
    throw new RangeError('instant out of range');
  return resultMs;
}

function addInUtc(startMs: number, { months, days, ms }: Duration, times: number): number {
  const fixedMs = times * (days * DAY_MS + ms);
  if (months === 0) return startMs + fixedMs;
  const start = new Date(startMs);
  const shifted = new Date(startMs);
  // Day 1 first: no month overflows it. The setters, unlike Date.UTC, take the years 0 to 99 as they are.
  shifted.setUTCDate(1);
  shifted.setUTCMonth(start.getUTCMonth() + times * months);
  shifted.setUTCDate(Math.min(start.getUTCDate(), daysInUtcMonth(shifted)));
  return shifted.getTime() + fixedMs;
}

function daysInUtcMonth(date: Date): number {
  const lastDay = new Date(date);
  lastDay.setUTCMonth(date.getUTCMonth() + 1, 0);
  return lastDay.getUTCDate();
}

function addInZone(startMs: number, { months, days, ms }: Duration, times: number, timeZone: string): number {
  const shifted = Temporal.Instant.fromEpochMilliseconds(startMs)
    .toZonedDateTimeISO(timeZone)
    .add({ months: months * times, days: days * times });
  return shifted.epochMilliseconds + ms * times;
}
