import { batchIsWhole, batchStride } from '../events';
import { formatQuantity, toQuantity } from '../primitives/decimal';
import type { Database, Transaction } from '../storage';
import { addToSum, type CountedBatch, hourMs, type Partial, partialOf, sumText } from './count-events';
import { createSeriesStore, type ResolvedBatch } from './series-store';

export { levels, type ResolvedBatch } from './series-store';

/** What a batch adds to one row of rollups. */
interface RollupRow {
  seriesId: number;
  partial: Partial;
}

/** Writes rollups. A batch is resolved first, outside of the transaction that adds it. */
export const createRollupStore = (database: Database, shard?: number) => ({
  resolve: createSeriesStore(database, shard),

  /**
   * Adds a batch whose series were resolved; `batch` may be a part of the resolved one. All statements are sent before it
   * returns, so that those of other stages can travel with them.
   * @param firstSeq what to add to the batch's own numbering to get the order of ingestion. Undefined for the batch that the
   *   statement before stores in this transaction: it counts with its numbers, and only if it turns out to be whole.
   */
  add: async (
    transaction: Transaction,
    batch: CountedBatch,
    resolved: ResolvedBatch,
    firstSeq: number | undefined,
  ): Promise<void> => {
    const rows = rowsOf(batch, resolved);
    if (rows.length === 0) return;
    await Promise.all([addRows(transaction, rows, firstSeq), addValues(transaction, rows, firstSeq)]);
  },
});

export type RollupStore = ReturnType<typeof createRollupStore>;

/** The minutes and hours that a batch touches, in the order of (series, bucket) so that batches never deadlock over them. */
const rowsOf = (batch: CountedBatch, resolved: ResolvedBatch): RollupRow[] => {
  const rows: RollupRow[] = [];
  const hours = new Map<number, Partial[]>();
  for (const [key, { partials }] of batch) {
    const ids = resolved.get(key)!;
    for (const partial of partials) {
      rows.push({ seriesId: ids.detail, partial });
      if (!ids.hours) continue;
      addToHour(hours, ids.hours.subject, partial);
      addToHour(hours, ids.hours.meter, partial);
    }
  }
  for (const [seriesId, partials] of hours) {
    for (const partial of partials) rows.push({ seriesId, partial });
  }
  return rows.sort((a, b) => a.seriesId - b.seriesId || a.partial.bucket - b.partial.bucket);
};

const addToHour = (hours: Map<number, Partial[]>, seriesId: number, partial: Partial): void => {
  let partials = hours.get(seriesId);
  if (!partials) {
    partials = [];
    hours.set(seriesId, partials);
  }
  const bucket = Math.floor(partial.bucket / hourMs) * hourMs;
  merge(partialOf(partials, bucket, partial.minTime), partial);
};

/** Adds what `from` holds to `into`, but for distinct values; the order does not matter. */
export const merge = (into: Partial, from: Partial): void => {
  into.count += from.count;
  if (from.sum) {
    into.sum ??= { integer: 0, rest: undefined };
    addToSum(into.sum, from.sum.integer);
    if (from.sum.rest) addToSum(into.sum, formatQuantity(from.sum.rest));
  }
  if (from.min && (!into.min || from.min.lt(into.min))) into.min = from.min;
  if (from.max && (!into.max || from.max.gt(into.max))) into.max = from.max;
  const { latest } = from;
  if (
    latest &&
    (!into.latest ||
      latest.time > into.latest.time ||
      (latest.time === into.latest.time && latest.seq > into.latest.seq))
  ) {
    into.latest = latest;
  }
};

/** The rows of a batch whose first sequence number is given, or of the one under way when it is whole. */
const counts = (firstSeq: string): string => `(${firstSeq}::bigint IS NOT NULL OR ${batchIsWhole})`;

const upsertStatement = `INSERT INTO rollup AS r (series_id, bucket, count, sum, min, max, latest, latest_time, latest_seq)
  SELECT n.series_id, n.bucket, n.count, n.sum, n.min, n.max, n.latest, n.latest_time,
    n.latest_seq + coalesce($10::bigint, (SELECT currval('event_batch')) * ${batchStride})
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::numeric[], $5::numeric[], $6::numeric[],
    $7::numeric[], $8::bigint[], $9::bigint[]) AS n (series_id, bucket, count, sum, min, max, latest, latest_time, latest_seq)
  WHERE ${counts('$10')}
  ON CONFLICT (series_id, bucket) DO UPDATE SET
    count = r.count + excluded.count,
    sum = r.sum + excluded.sum,
    min = least(r.min, excluded.min),
    max = greatest(r.max, excluded.max),
    latest = CASE WHEN (excluded.latest_time, excluded.latest_seq) > (r.latest_time, r.latest_seq) THEN excluded.latest ELSE r.latest END,
    latest_time = CASE WHEN (excluded.latest_time, excluded.latest_seq) > (r.latest_time, r.latest_seq) THEN excluded.latest_time ELSE r.latest_time END,
    latest_seq = CASE WHEN (excluded.latest_time, excluded.latest_seq) > (r.latest_time, r.latest_seq) THEN excluded.latest_seq ELSE r.latest_seq END`;

/** Sums and counts alone spare the server the columns that they do not need; counts alone stay plain integers. */
const upsertSumsStatement = `INSERT INTO rollup AS r (series_id, bucket, count, sum)
  SELECT n.* FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::numeric[]) AS n WHERE ${counts('$5')}
  ON CONFLICT (series_id, bucket) DO UPDATE SET count = r.count + excluded.count, sum = r.sum + excluded.sum`;
const upsertCountsStatement = `INSERT INTO rollup AS r (series_id, bucket, count)
  SELECT n.* FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS n WHERE ${counts('$4')}
  ON CONFLICT (series_id, bucket) DO UPDATE SET count = r.count + excluded.count`;

const addRows = async (
  transaction: Transaction,
  rows: readonly RollupRow[],
  firstSeq: number | undefined,
): Promise<void> => {
  const { arrays } = transaction;
  const base = firstSeq ?? null;
  const columns = [
    arrays.bigint(rows.map((row) => row.seriesId)),
    arrays.bigint(rows.map((row) => row.partial.bucket)),
    arrays.bigint(rows.map((row) => row.partial.count)),
  ];
  const sums = () => arrays.numeric(rows.map(({ partial }) => (partial.sum ? sumText(partial.sum) : null)));
  if (rows.some(({ partial }) => partial.min || partial.max || partial.latest)) {
    await transaction.query(upsertStatement, [...columns, sums(), ...extremes(transaction, rows), base]);
  } else if (rows.some(({ partial }) => partial.sum)) {
    await transaction.query(upsertSumsStatement, [...columns, sums(), base]);
  } else {
    await transaction.query(upsertCountsStatement, [...columns, base]);
  }
};

const extremes = ({ arrays }: Transaction, rows: readonly RollupRow[]): unknown[] => [
  arrays.numeric(rows.map(({ partial }) => (partial.min ? formatQuantity(partial.min) : null))),
  arrays.numeric(rows.map(({ partial }) => (partial.max ? formatQuantity(partial.max) : null))),
  arrays.numeric(
    rows.map(({ partial }) => (partial.latest ? formatQuantity(toQuantity(partial.latest.value)) : null)),
  ),
  arrays.bigint(rows.map(({ partial }) => partial.latest?.time ?? null)),
  arrays.bigint(rows.map(({ partial }) => partial.latest?.seq ?? null)),
];

const addValues = async (
  transaction: Transaction,
  rows: readonly RollupRow[],
  firstSeq: number | undefined,
): Promise<void> => {
  const seen = rows.filter(({ partial }) => partial.values);
  if (seen.length === 0) return;
  const values = seen.flatMap(({ seriesId, partial }) =>
    [...partial.values!].sort().map((value) => ({ seriesId, bucket: partial.bucket, value })),
  );
  const { arrays } = transaction;
  await transaction.query(
    `INSERT INTO rollup_value (series_id, bucket, value)
     SELECT n.* FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS n WHERE ${counts('$4')} ON CONFLICT DO NOTHING`,
    [
      arrays.bigint(values.map((row) => row.seriesId)),
      arrays.bigint(values.map((row) => row.bucket)),
      arrays.text(values.map((row) => row.value)),
      firstSeq ?? null,
    ],
  );
};
