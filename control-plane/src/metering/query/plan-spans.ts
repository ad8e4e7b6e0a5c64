import { hourMs } from '../count-events';
import { levels } from '../rollup-store';

/** The instants between which any event lies, epoch milliseconds; whole hours. */
export const beginningOfTime = -8_640_000_000_000_000;
export const endOfTime = 8_640_000_000_000_000;

/** A stretch of buckets of one level of rollups: from inclusive, to exclusive. */
export interface Span {
  level: number;
  from: number;
  to: number;
}

export const floorTo = (value: number, size: number): number => Math.floor(value / size) * size;
export const ceilTo = (value: number, size: number): number => Math.ceil(value / size) * size;

/**
 * The coarsest buckets that answer exactly: hours where no boundary cuts them, minutes in the hours that one cuts.
 *
 * @param from whole minute
 * @param to whole minute
 * @param boundaries starts of windows; only those between `from` and `to` matter
 * @param hourLevel the level of hourly rollups that holds the dimensions asked for, or undefined when only minutes do
 */
export const planSpans = (
  from: number,
  to: number,
  boundaries: readonly number[],
  hourLevel: number | undefined,
): Span[] => {
  if (from >= to) return [];
  const detail = (start: number, end: number): Span => ({ level: levels.detail, from: start, to: end });
  if (hourLevel === undefined) return [detail(from, to)];
  const cutHours = [
    ...new Set(
      [from, ...boundaries, to]
        .filter((at) => at >= from && at <= to && at % hourMs !== 0)
        .map((at) => floorTo(at, hourMs)),
    ),
  ].sort((a, b) => a - b);
  // Where nearly every hour is cut (hourly windows at an offset of 30 minutes), one span is cheaper than many.
  if (cutHours.length * 2 * hourMs > to - from) return [detail(from, to)];

  const spans: Span[] = [];
  let next = from;
  for (const hour of cutHours) {
    if (next < hour) spans.push({ level: hourLevel, from: next, to: hour });
    const end = Math.min(hour + hourMs, to);
    spans.push(detail(Math.max(hour, from), end));
    next = end;
  }
  if (next < to) spans.push({ level: hourLevel, from: next, to });
  return spans;
};

/** How a bucket is assigned to its window. */
export type Windowing =
  | { kind: 'none' }
  /** Windows of one size, aligned to the epoch. */
  | { kind: 'fixed'; sizeMs: number }
  /** `starts[n]` to `starts[n + 1]`; the last entry only ends the last window. */
  | { kind: 'listed'; starts: readonly number[] };
