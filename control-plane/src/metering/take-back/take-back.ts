import type { PlacedEvent } from '../../events';
import type { Transaction } from '../../storage';
import { type CountedBatch, type CountedSeries, countEvents, hourMs } from '../count-events';
import { type HasCounted, metersThatCounted } from './meters-that-counted';
import { remainingInMinute } from './remaining-events';
import {
  deleteRows,
  deleteValue,
  type LockedRow,
  lockRows,
  mayHaveLostEvents,
  readExtremes,
  type SeriesLine,
  seriesLinesOf,
  updateRow,
} from './take-back-store';

/** Raw events are gone without which it cannot be known what remains when this one is taken back. */
export class EventsLostError extends Error {
  readonly code = 'events_lost';
  readonly isRetryable = false;
  constructor() {
    super('retention has dropped events of the same minute');
    this.name = 'EventsLostError';
  }
}

/**
 * Takes one stored event, which the caller has marked as taken back in the same transaction, out of the rollups of every
 * meter that counted it, and returns what it had added. Counts and sums are subtracted; minima, maxima, latest and distinct
 * values are read again from the level below where the event was the one that made them, and from the raw events of its
 * minute at the finest level.
 *
 * The caller holds the shared definitions lock. The rows are locked first, in the order in which ingest takes them: a batch
 * that was faster is seen here, and one that comes later adds to what is written here.
 *
 * @throws EventsLostError
 */
export const takeBack = async (transaction: Transaction, event: PlacedEvent): Promise<CountedBatch> => {
  const { compiled, hasCounted } = await metersThatCounted(transaction, event);
  const counted = countEvents(new Map([[event.type, compiled]]), [event], undefined, [event.seq]);
  const all = [...counted.values()];
  if (all.length === 0) return counted;
  const lines = await seriesLinesOf(transaction, all);
  const rows = await lockRows(
    transaction,
    lines.flat().map((line) => ({ line, bucket: bucketOf(line, all[line.series]!) })),
  );
  for (const [index, series] of all.entries()) {
    const own = rows.filter(({ line }) => line.series === index);
    await takeBackFromSeries(transaction, series, own, event, hasCounted);
  }
  return counted;
};

const bucketOf = ({ level }: SeriesLine, { partials }: CountedSeries): number => {
  const { bucket } = partials[0]!;
  return level === 0 ? bucket : Math.floor(bucket / hourMs) * hourMs;
};

const takeBackFromSeries = async (
  transaction: Transaction,
  series: CountedSeries,
  rows: readonly LockedRow[],
  event: PlacedEvent,
  hasCounted: HasCounted,
): Promise<void> => {
  // From the finest level up: each is read again from the one below.
  for (const level of [0, 1, 2]) {
    const ofLevel = rows.filter(({ line }) => line.level === level);
    if (ofLevel.length === 0) continue;
    const left = ofLevel.reduce((sum, row) => sum + row.count, 0) - 1;
    if (left <= 0) {
      await deleteRows(transaction, ofLevel);
      continue;
    }
    await subtract(transaction, series, ofLevel);
    await renewExtremes(transaction, series, ofLevel, event, hasCounted);
  }
};

/** Takes count and sum from one row; of a meter's shards any that has a count will do, since they are only read together. */
const subtract = async (
  transaction: Transaction,
  { partials }: CountedSeries,
  rows: readonly LockedRow[],
): Promise<void> => {
  const row = rows.find(({ count }) => count > 0) ?? rows[0]!;
  await updateRow(transaction, row, { count: -1, sum: partials[0]!.sum });
};

const renewExtremes = async (
  transaction: Transaction,
  series: CountedSeries,
  rows: readonly LockedRow[],
  event: PlacedEvent,
  hasCounted: HasCounted,
): Promise<void> => {
  const [partial] = series.partials;
  const value = partial!.values && [...partial!.values][0]!;
  const made = rows.filter((row) => isMadeBy(row, series, event));
  if (value === undefined && made.length === 0) return;
  const { level } = rows[0]!.line;
  if (level > 0) {
    const extremes = await readExtremes(transaction, series, level - 1, rows[0]!.bucket);
    for (const row of made) await updateRow(transaction, row, { extremes });
    return;
  }
  if (await mayHaveLostEvents(transaction, rows[0]!.bucket)) throw new EventsLostError();
  const remaining = await remainingInMinute(transaction, series, event, hasCounted);
  if (value !== undefined) {
    if (!remaining.values.has(value)) await deleteValue(transaction, rows[0]!, value);
    return;
  }
  for (const row of made) await updateRow(transaction, row, { extremes: remaining.extremes });
};

/** Whether the event made the row's minimum, maximum or latest value, so that another may follow. */
const isMadeBy = (row: LockedRow, { partials }: CountedSeries, event: PlacedEvent): boolean => {
  const { min, max, latest } = partials[0]!;
  if (latest) return row.latestTime === event.time && row.latestSeq === event.seq;
  if (min) return row.min !== null && min.equals(row.min);
  return max !== undefined && row.max !== null && max.equals(row.max);
};
