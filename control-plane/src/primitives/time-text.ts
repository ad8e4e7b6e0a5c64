import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from './durations';

const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));

/** The day written last and its date, `2026-01-31T`: times are mostly written in their order. */
let lastDay = Number.NaN;
let lastDate = '';

/** The last instant that a Date holds is the first of its day. */
const endOfTime = 8_640_000_000_000_000;

/**
 * Epoch milliseconds as RFC 3339 in UTC with three digits of fraction, `2026-01-31T14:03:22.118Z`; the same text as
 * Date.prototype.toISOString, which takes ten times as long: an answer may have a hundred thousand of them.
 * @throws RangeError outside of what a Date holds
 */
export const toTimeText = (milliseconds: number): string => {
  if (milliseconds > endOfTime) throw new RangeError(`no Date holds ${milliseconds}`);
  const whole = Math.trunc(milliseconds);
  const day = Math.floor(whole / DAY_MS);
  if (day !== lastDay) {
    const text = new Date(day * DAY_MS).toISOString();
    lastDate = text.slice(0, text.indexOf('T') + 1);
    lastDay = day;
  }
  const rest = whole - day * DAY_MS;
  const hours = twoDigits[Math.floor(rest / HOUR_MS)]!;
  const minutes = twoDigits[Math.floor((rest % HOUR_MS) / MINUTE_MS)]!;
  if (rest % MINUTE_MS === 0) return `${lastDate}${hours}:${minutes}:00.000Z`;
  const seconds = twoDigits[Math.floor((rest % MINUTE_MS) / SECOND_MS)]!;
  return `${lastDate}${hours}:${minutes}:${seconds}.${String(rest % SECOND_MS).padStart(3, '0')}Z`;
};
