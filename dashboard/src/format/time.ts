const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const amounts: readonly [limitMs: number, unitMs: number, name: string][] = [
  [minute, second, 's'],
  [hour, minute, 'min'],
  [2 * day, hour, 'h'],
  [60 * day, day, 'd'],
];

/** "12 s ago", "in 3 min"; beyond two months the date says more. */
export const relativeTime = (instant: number, now: number, timeZone?: string): string => {
  const distance = Math.abs(instant - now);
  if (distance < second) return 'now';
  const amount = amounts.find(([limit]) => distance < limit);
  if (!amount) return dateText(instant, timeZone);
  const count = Math.floor(distance / amount[1]);
  return instant > now ? `in ${count} ${amount[2]}` : `${count} ${amount[2]} ago`;
};

const partsOf = (instant: number, timeZone: string | undefined): Record<string, string> => {
  const format = new Intl.DateTimeFormat('en-GB', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hourCycle: 'h23',
    ...(timeZone ? { timeZone } : {}),
  });
  return Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, value]));
};

/** 2026-01-31 */
export const dateText = (instant: number, timeZone?: string): string => {
  const { year, month, day: date } = partsOf(instant, timeZone);
  return `${year}-${month}-${date}`;
};

/** 2026-01-31 14:03:22.118, in the viewer's time zone unless told. */
export const exactTime = (instant: number, timeZone?: string): string => {
  const { hour: h, minute: m, second: s, fractionalSecond } = partsOf(instant, timeZone);
  return `${dateText(instant, timeZone)} ${h}:${m}:${s}.${fractionalSecond}`;
};

/** 14:03:22.118 */
export const clockText = (instant: number, timeZone?: string): string =>
  exactTime(instant, timeZone).slice(11);

/** 2026-01-31 14:03, without seconds. */
export const minuteText = (instant: number, timeZone?: string): string =>
  exactTime(instant, timeZone).slice(0, 16);

/** A mark on a time axis: the date where a day begins or marks are days apart, else the time. */
export const tickText = (instant: number, stepMs: number, timeZone?: string): string => {
  const text = exactTime(instant, timeZone);
  const clock = text.slice(11, stepMs < minute ? 19 : 16);
  return stepMs >= day || /^00:00(:00)?$/.test(clock) ? text.slice(5, 10) : clock;
};

/** "41 ms", "1.2 s", "3 min", "2 h". */
export const spanText = (milliseconds: number): string => {
  if (milliseconds < second) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < minute) return `${(milliseconds / second).toFixed(1).replace(/\.0$/, '')} s`;
  if (milliseconds < hour) return `${Math.round(milliseconds / minute)} min`;
  if (milliseconds < 2 * day) return `${Math.round(milliseconds / hour)} h`;
  return `${Math.round(milliseconds / day)} d`;
};

export const viewerTimeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** "UTC+2", of a zone at an instant. */
export const offsetText = (timeZone: string, instant: number): string => {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone, timeZoneName: 'shortOffset' }).formatToParts(
    instant,
  );
  return (parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'UTC').replace('GMT', 'UTC');
};

const calendarUnits: Record<string, string> = { Y: 'year', M: 'month', W: 'week', D: 'day' };
const clockUnits: Record<string, string> = { H: 'hour', M: 'minute', S: 'second' };
const named: Record<string, string> = {
  DAY: 'day',
  WEEK: 'week',
  MONTH: 'month',
  YEAR: 'year',
  HOUR: 'hour',
};

/** An ISO 8601 duration or OpenMeter's name of one, in words: P1M and MONTH are "month", P3M "3 months". */
export const intervalWords = (interval: string): string => {
  if (named[interval]) return named[interval];
  const match = /^P((?:\d+[YMWD])*)(?:T((?:\d+[HMS])+))?$/.exec(interval);
  if (!match) return interval;
  const words = (text: string | undefined, units: Record<string, string>): string[] =>
    [...(text ?? '').matchAll(/(\d+)([A-Z])/g)].map(([, count, unit]) =>
      count === '1' ? units[unit!]! : `${count} ${units[unit!]}s`,
    );
  return [...words(match[1], calendarUnits), ...words(match[2], clockUnits)].join(' ') || interval;
};
