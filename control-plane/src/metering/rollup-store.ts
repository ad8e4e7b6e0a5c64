import { formatQuantity, toQuantity } from '../primitives/decimal';
import type { Database, Transaction } from '../storage';
import {
  addToSum,
  type CountedBatch,
  type CountedSeries,
  emptyPartial,
  hourMs,
  type Partial,
  sumText,
} from './count-events';

/** The lines of rollups; see the table `series`. */
export const levels = { detail: 0, subject: 1, meter: 2 } as const;
type Level = (typeof levels)[keyof typeof levels];

/** Known series at most; the oldest are forgotten and looked up again. */
const knownSeriesLimit = 500_000;
const shardCount = 8;

interface Line {
  key: string;
  meterNumber: number;
  level: Level;
  shard: number;
  subject: string;
  groups: string;
  partials: Map<number, Partial>;
}

/** A batch with the ids of the series that it touches, by the key of their line. */
export interface ResolvedBatch {
  lines: { batch: CountedBatch; list: readonly Line[] };
  ids: ReadonlyMap<string, number>;
}

/**
 * Writes rollups. The ids of series never change, so every process remembers those it has met; they are made outside of
 * the ingest transaction, since a series without rollups harms nobody.
 */
export const createRollupStore = (database: Database, shard = Math.floor(Math.random() * shardCount)) => {
  const known = new Map<string, number>();

  const resolve = async (batch: CountedBatch): Promise<ResolvedBatch> => {
    const lines = linesOf(batch, shard);
    const ids = new Map<string, number>();
    const missing: Line[] = [];
    for (const line of lines) {
      const id = known.get(line.key);
      if (id === undefined) missing.push(line);
      else ids.set(line.key, id);
    }
    if (missing.length > 0) {
      const made = await makeSeries(database, missing);
      for (let index = 0; index < missing.length; index += 1) {
        ids.set(missing[index]!.key, made[index]!);
        known.set(missing[index]!.key, made[index]!);
      }
      forgetOldest(known);
    }
    return { lines: { batch, list: lines }, ids };
  };

  /**
   * Adds a batch whose series were resolved; `batch` may be a part of the resolved one.
   * @param firstSeq what to add to the batch's own numbering to get the order of ingestion
   */
  const add = (
    transaction: Transaction,
    batch: CountedBatch,
    { lines, ids }: ResolvedBatch,
    firstSeq: number,
  ): Promise<void> =>
    addLines(
      transaction,
      (lines.batch === batch ? lines.list : linesOf(batch, shard))
        .map((line) => ({ seriesId: ids.get(line.key)!, line }))
        .sort((a, b) => a.seriesId - b.seriesId),
      firstSeq,
    );

  return { resolve, add };
};

const forgetOldest = (known: Map<string, number>): void => {
  for (const key of known.keys()) {
    if (known.size <= knownSeriesLimit) return;
    known.delete(key);
  }
};

interface ResolvedLine {
  seriesId: number;
  line: Line;
}

export type RollupStore = ReturnType<typeof createRollupStore>;

const makeSeries = async (database: Database, lines: readonly Line[]): Promise<number[]> => {
  const { arrays } = database;
  const values = [
    arrays.bigint(lines.map((line) => line.meterNumber)),
    arrays.bigint(lines.map((line) => line.level)),
    arrays.bigint(lines.map((line) => line.shard)),
    arrays.text(lines.map((line) => line.subject)),
    arrays.text(lines.map((line) => line.groups)),
  ];
  const wanted = `unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[])
    WITH ORDINALITY AS w (meter_number, level, shard, subject, groups, position)`;
  await database.query(
    `INSERT INTO series (meter_number, level, shard, subject, groups)
     SELECT w.meter_number, w.level, w.shard, w.subject, w.groups::jsonb FROM ${wanted}
     ORDER BY w.meter_number, w.level, w.subject, w.groups, w.shard
     ON CONFLICT DO NOTHING`,
    values,
  );
  const { rows } = await database.query<{ id: number }>(
    `SELECT s.id FROM ${wanted}
     JOIN series s ON s.meter_number = w.meter_number AND s.level = w.level AND s.subject = w.subject
       AND s.groups = w.groups::jsonb AND s.shard = w.shard
     ORDER BY w.position`,
    values,
  );
  return rows.map((row) => row.id);
};

const linesOf = (batch: CountedBatch, shard: number): Line[] => {
  const lines = new Map<string, Line>();
  for (const [key, series] of batch) {
    const { meter } = series.compiled;
    const detailKey = `0\u0000${key}\u0000${series.compiled.groupKeys.join('\u0001')}`;
    lines.set(detailKey, {
      key: detailKey,
      meterNumber: meter.number,
      level: levels.detail,
      shard: 0,
      subject: series.subject,
      groups: groupsText(series),
      partials: series.partials,
    });
    // Distinct values cannot be added up, and are read from the minutes.
    if (meter.aggregation === 'UNIQUE_COUNT') continue;
    addToHours(lines, series, levels.subject, 0, series.subject);
    addToHours(lines, series, levels.meter, shard, '');
  }
  return [...lines.values()];
};

const groupsText = (series: CountedSeries): string => {
  const { groupKeys } = series.compiled;
  if (groupKeys.length === 0) return '{}';
  return JSON.stringify(Object.fromEntries(groupKeys.map((key, index) => [key, series.groupValues[index]])));
};

const addToHours = (
  lines: Map<string, Line>,
  series: CountedSeries,
  level: Level,
  shard: number,
  subject: string,
): void => {
  const { meter } = series.compiled;
  const key = `${level}\u0000${meter.number}\u0000${shard}\u0000${subject}`;
  let line = lines.get(key);
  if (!line) {
    line = { key, meterNumber: meter.number, level, shard, subject, groups: '{}', partials: new Map() };
    lines.set(key, line);
  }
  for (const partial of series.partials.values()) {
    const bucket = Math.floor(partial.bucket / hourMs) * hourMs;
    const hour = line.partials.get(bucket) ?? emptyPartial(bucket, partial.minTime);
    line.partials.set(bucket, hour);
    merge(hour, partial);
  }
};

/** Adds what `from` holds to `into`; the order does not matter. */
const merge = (into: Partial, from: Partial): void => {
  into.count += from.count;
  addToSum(into.sum, from.sum.integer);
  if (from.sum.rest) addToSum(into.sum, formatQuantity(from.sum.rest));
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

const upsertStatement = `INSERT INTO rollup AS r (series_id, bucket, count, sum, min, max, latest, latest_time, latest_seq)
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::numeric[], $5::numeric[], $6::numeric[],
    $7::numeric[], $8::bigint[], $9::bigint[])
  ON CONFLICT (series_id, bucket) DO UPDATE SET
    count = r.count + excluded.count,
    sum = r.sum + excluded.sum,
    min = least(r.min, excluded.min),
    max = greatest(r.max, excluded.max),
    latest = CASE WHEN (excluded.latest_time, excluded.latest_seq) > (r.latest_time, r.latest_seq) THEN excluded.latest ELSE r.latest END,
    latest_time = CASE WHEN (excluded.latest_time, excluded.latest_seq) > (r.latest_time, r.latest_seq) THEN excluded.latest_time ELSE r.latest_time END,
    latest_seq = CASE WHEN (excluded.latest_time, excluded.latest_seq) > (r.latest_time, r.latest_seq) THEN excluded.latest_seq ELSE r.latest_seq END`;

/** The common case, integers and counts alone, spares the server the columns it does not need. */
const upsertCountsStatement = `INSERT INTO rollup AS r (series_id, bucket, count, sum)
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::numeric[])
  ON CONFLICT (series_id, bucket) DO UPDATE SET count = r.count + excluded.count, sum = r.sum + excluded.sum`;

/** Adds a batch to the rollups, in the order of (series, bucket) so that batches never deadlock over them. */
const addLines = async (
  transaction: Transaction,
  resolved: readonly ResolvedLine[],
  firstSeq: number,
): Promise<void> => {
  const rows = resolved.flatMap(({ seriesId, line }) =>
    [...line.partials.values()].sort((a, b) => a.bucket - b.bucket).map((partial) => ({ seriesId, partial })),
  );
  if (rows.length === 0) return;
  const { arrays } = transaction;
  const isPlain = rows.every(({ partial }) => !partial.min && !partial.max && !partial.latest);
  const common = [
    arrays.bigint(rows.map((row) => row.seriesId)),
    arrays.bigint(rows.map((row) => row.partial.bucket)),
    arrays.bigint(rows.map((row) => row.partial.count)),
    arrays.numeric(rows.map((row) => sumText(row.partial.sum))),
  ];
  if (isPlain) {
    await transaction.query(upsertCountsStatement, common);
  } else {
    await transaction.query(upsertStatement, [
      ...common,
      arrays.numeric(rows.map(({ partial }) => (partial.min ? formatQuantity(partial.min) : null))),
      arrays.numeric(rows.map(({ partial }) => (partial.max ? formatQuantity(partial.max) : null))),
      arrays.numeric(
        rows.map(({ partial }) => (partial.latest ? formatQuantity(toQuantity(partial.latest.value)) : null)),
      ),
      arrays.bigint(rows.map(({ partial }) => partial.latest?.time ?? null)),
      arrays.bigint(rows.map(({ partial }) => (partial.latest ? firstSeq + partial.latest.seq : null))),
    ]);
  }
  await addValues(transaction, resolved);
};

const addValues = async (transaction: Transaction, resolved: readonly ResolvedLine[]): Promise<void> => {
  const rows = resolved.flatMap(({ seriesId, line }) =>
    [...line.partials.values()].flatMap((partial) =>
      [...(partial.values ?? [])].map((value) => ({ seriesId, bucket: partial.bucket, value })),
    ),
  );
  if (rows.length === 0) return;
  rows.sort((a, b) => a.seriesId - b.seriesId || a.bucket - b.bucket || (a.value < b.value ? -1 : 1));
  const { arrays } = transaction;
  await transaction.query(
    `INSERT INTO rollup_value (series_id, bucket, value)
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[]) ON CONFLICT DO NOTHING`,
    [
      arrays.bigint(rows.map((row) => row.seriesId)),
      arrays.bigint(rows.map((row) => row.bucket)),
      arrays.text(rows.map((row) => row.value)),
    ],
  );
};
