import { Temporal } from '@js-temporal/polyfill';
import type { Aggregation, MeterQueryRow } from '../../src/metering';
import { formatQuantity, type Quantity, toQuantity } from '../../src/primitives/decimal';
import type { WindowSize } from '../../src/primitives/periods';

/** An event as the naive computation sees it; `value` is what valueProperty points to, as decimal text. */
export interface NaiveEvent {
  subject: string;
  /** Epoch milliseconds. */
  time: number;
  value: string;
  groups: Record<string, string>;
}

export interface NaiveQuery {
  aggregation: Aggregation;
  from: number | undefined;
  to: number | undefined;
  windowSize: WindowSize | undefined;
  timeZone: string;
  passes: (event: NaiveEvent) => boolean;
  groupBy: readonly string[];
  customers?: ReadonlyMap<string, string>;
}

const zoned = (time: number, timeZone: string) =>
  Temporal.Instant.fromEpochMilliseconds(time).toZonedDateTimeISO(timeZone);

interface Window {
  start: number;
  end: number;
}

const known = new Map<string, Window>();

/** The window of one event, remembered: the calendar is slow, and queries ask again and again. */
const windowAt = (time: number, size: WindowSize, timeZone: string): Window => {
  const key = `${time} ${size} ${timeZone}`;
  let window = known.get(key);
  if (!window) {
    window = computeWindow(time, size, timeZone);
    known.set(key, window);
  }
  return window;
};

/** From the calendar alone. */
const computeWindow = (time: number, size: WindowSize, timeZone: string): Window => {
  const at = zoned(time, timeZone);
  if (size === 'DAY') {
    const start = at.startOfDay();
    return {
      start: start.epochMilliseconds,
      end: start.toPlainDate().add({ days: 1 }).toZonedDateTime(timeZone).epochMilliseconds,
    };
  }
  if (size === 'MONTH') {
    const first = at.toPlainDate().with({ day: 1 });
    return {
      start: first.toZonedDateTime(timeZone).epochMilliseconds,
      end: first.add({ months: 1 }).toZonedDateTime(timeZone).epochMilliseconds,
    };
  }
  const sizeMs = size === 'HOUR' ? 3_600_000 : 60_000;
  const wall = time + at.offsetNanoseconds / 1e6;
  const start = time - (((wall % sizeMs) + sizeMs) % sizeMs);
  return { start, end: start + sizeMs };
};

/** Recomputes a query from the raw events, one by one, as the definitions of the aggregations say. */
export const naiveUsage = (events: readonly NaiveEvent[], query: NaiveQuery): MeterQueryRow[] => {
  const groups = new Map<string, { row: Omit<MeterQueryRow, 'value'>; events: NaiveEvent[] }>();
  for (const event of events) {
    if (query.from !== undefined && event.time < query.from) continue;
    if (query.to !== undefined && event.time >= query.to) continue;
    if (!query.passes(event)) continue;
    const window = query.windowSize ? windowAt(event.time, query.windowSize, query.timeZone) : undefined;
    const row = {
      windowStart: window?.start ?? Number.NaN,
      windowEnd: window?.end ?? Number.NaN,
      subject: query.groupBy.includes('subject') ? event.subject : null,
      customerId: query.groupBy.includes('customer_id') ? query.customers?.get(event.subject) : undefined,
      groups: Object.fromEntries(
        query.groupBy
          .filter((key) => key !== 'subject' && key !== 'customer_id')
          .map((key) => [key, event.groups[key] ?? '']),
      ),
    };
    const key = JSON.stringify([row.windowStart, row.subject, row.customerId ?? null, row.groups]);
    const group = groups.get(key) ?? { row, events: [] };
    groups.set(key, group);
    group.events.push(event);
  }
  return [...groups.values()].map(({ row, events: own }) => ({
    ...row,
    ...(query.windowSize ? {} : spanOf(query, own)),
    value: aggregate(query.aggregation, own),
  }));
};

const spanOf = (query: NaiveQuery, events: readonly NaiveEvent[]) => {
  const times = events.map((event) => event.time);
  const minute = (time: number) => Math.floor(time / 60_000) * 60_000;
  return {
    windowStart: query.from ?? minute(Math.min(...times)),
    windowEnd: query.to ?? minute(Math.max(...times)) + 60_000,
  };
};

const aggregate = (aggregation: Aggregation, events: readonly NaiveEvent[]): string => {
  const values = events.map((event) => toQuantity(event.value));
  const sum = () => values.reduce((total, value) => total.plus(value));
  const best = (isBetter: (a: Quantity, b: Quantity) => boolean) =>
    values.reduce((a, b) => (isBetter(b, a) ? b : a));
  switch (aggregation) {
    case 'COUNT':
      return String(events.length);
    case 'SUM':
      return formatQuantity(sum());
    case 'AVG':
      return formatQuantity(sum().div(values.length));
    case 'MIN':
      return formatQuantity(best((a, b) => a.lt(b)));
    case 'MAX':
      return formatQuantity(best((a, b) => a.gt(b)));
    case 'UNIQUE_COUNT':
      return String(new Set(events.map((event) => event.value)).size);
    case 'LATEST': {
      // Events stand in the order of ingestion: of equal times the last wins.
      const latest = events.reduce((a, b) => (b.time >= a.time ? b : a));
      return formatQuantity(toQuantity(latest.value));
    }
  }
};
