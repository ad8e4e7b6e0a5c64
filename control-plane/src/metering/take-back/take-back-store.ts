import { formatQuantity, toQuantity } from '../../primitives/decimal';
import type { Queryable, Transaction } from '../../storage';
import type { BackfillRow } from '../backfill/backfill';
import { type CountedSeries, type ExactSum, hourMs, type Partial, sumText } from '../count-events';
import type { MeterRow } from '../meter-store';

const weekMs = 604_800_000;

/** A row of `series` that one of the counted series adds up in. */
export interface SeriesLine {
  /** Position of the counted series. */
  series: number;
  id: number;
  level: number;
}

/** A row of rollups, locked. */
export interface LockedRow {
  line: SeriesLine;
  bucket: number;
  count: number;
  min: string | null;
  max: string | null;
  latestTime: number | null;
  latestSeq: number | null;
}

/** What is no sum in a row of rollups. */
export interface Extremes {
  min: string | null;
  max: string | null;
  latest: string | null;
  latestTime: number | null;
  latestSeq: number | null;
}

export const extremesOf = ({ min, max, latest }: Partial): Extremes => ({
  min: min ? formatQuantity(min) : null,
  max: max ? formatQuantity(max) : null,
  latest: latest ? formatQuantity(toQuantity(latest.value)) : null,
  latestTime: latest?.time ?? null,
  latestSeq: latest?.seq ?? null,
});

/** The living meters of an event type, deactivated ones too. */
export const metersOfType = async (queryable: Queryable, eventType: string): Promise<MeterRow[]> => {
  const { rows } = await queryable.query<MeterRow>(
    'SELECT * FROM meter WHERE event_type = $1 AND deleted_at IS NULL ORDER BY number',
    [eventType],
  );
  return rows;
};

/**
 * Locks the backfills of meters where they stand until the transaction ends, and has those that are counting begin their
 * page anew: what they have read may hold the event that is being taken back.
 */
export const holdBackfills = async (
  transaction: Transaction,
  meterIds: readonly string[],
): Promise<Map<string, BackfillRow>> => {
  const ids = [transaction.arrays.text(meterIds)];
  await transaction.query(
    `UPDATE meter_backfill SET cancellations = cancellations + 1 WHERE state = 'counting' AND meter_id = ANY ($1::text[])`,
    ids,
  );
  const { rows } = await transaction.query<BackfillRow>(
    'SELECT * FROM meter_backfill WHERE meter_id = ANY ($1::text[])',
    ids,
  );
  return new Map(rows.map((row) => [row.meter_id, row]));
};

/** The rows of `series` of each counted series: its detail, its subject's hours, and the shards of its meter's hours. */
export const seriesLinesOf = async (
  queryable: Queryable,
  series: readonly CountedSeries[],
): Promise<SeriesLine[][]> => {
  const { arrays } = queryable;
  const { rows } = await queryable.query<{ position: number; id: number; level: number }>(
    `SELECT w.position, s.id, s.level
     FROM unnest($1::bigint[], $2::text[], $3::text[]) WITH ORDINALITY AS w (meter_number, subject, groups, position)
     JOIN series s ON s.meter_number = w.meter_number AND CASE s.level
       WHEN 0 THEN s.subject = w.subject AND md5(s.groups::text) = md5((w.groups::jsonb)::text) AND s.groups = w.groups::jsonb
       WHEN 1 THEN s.subject = w.subject
       ELSE true END
     WHERE s.level = 2 OR s.subject = w.subject`,
    [
      arrays.bigint(series.map(({ compiled }) => compiled.meter.number)),
      arrays.text(series.map(({ subject }) => subject)),
      arrays.text(
        series.map(({ compiled, groupValues }) =>
          JSON.stringify(
            Object.fromEntries(compiled.groupKeys.map((key, index) => [key, groupValues[index]])),
          ),
        ),
      ),
    ],
  );
  return series.map((_, index) =>
    rows
      .filter(({ position }) => position === index + 1)
      .map(({ id, level }) => ({ series: index, id, level })),
  );
};

/** Locks the rows that are there, in the order in which ingest writes them. */
export const lockRows = async (
  transaction: Transaction,
  wanted: readonly { line: SeriesLine; bucket: number }[],
): Promise<LockedRow[]> => {
  const { arrays } = transaction;
  const { rows } = await transaction.query<Omit<LockedRow, 'line'> & { id: number }>(
    `SELECT r.series_id AS id, r.bucket, r.count, r.min, r.max, r.latest_time AS "latestTime", r.latest_seq AS "latestSeq"
     FROM unnest($1::bigint[], $2::bigint[]) AS w (series_id, bucket)
     JOIN rollup r ON r.series_id = w.series_id AND r.bucket = w.bucket
     ORDER BY r.series_id, r.bucket FOR UPDATE OF r`,
    [arrays.bigint(wanted.map(({ line }) => line.id)), arrays.bigint(wanted.map(({ bucket }) => bucket))],
  );
  const lines = new Map(wanted.map(({ line }) => [line.id, line]));
  return rows.map(({ id, ...row }) => ({ ...row, line: lines.get(id)! }));
};

/** Subtracts from a row, or gives it other extremes. */
export const updateRow = async (
  transaction: Transaction,
  { line, bucket }: LockedRow,
  change: { count: number; sum: ExactSum | undefined } | { extremes: Extremes },
): Promise<void> => {
  if ('count' in change) {
    await transaction.query(
      'UPDATE rollup SET count = count + $3::bigint, sum = sum - $4::numeric WHERE series_id = $1 AND bucket = $2',
      [line.id, bucket, change.count, change.sum ? sumText(change.sum) : '0'],
    );
    return;
  }
  const { min, max, latest, latestTime, latestSeq } = change.extremes;
  await transaction.query(
    `UPDATE rollup SET min = $3::numeric, max = $4::numeric, latest = $5::numeric, latest_time = $6, latest_seq = $7
     WHERE series_id = $1 AND bucket = $2`,
    [line.id, bucket, min, max, latest, latestTime, latestSeq],
  );
};

/** Deletes rows that no event stands behind any more, with their distinct values: a window without events has no value. */
export const deleteRows = async (transaction: Transaction, rows: readonly LockedRow[]): Promise<void> => {
  const { arrays } = transaction;
  const values = [arrays.bigint(rows.map(({ line }) => line.id)), rows[0]!.bucket];
  await transaction.query('DELETE FROM rollup WHERE series_id = ANY ($1::bigint[]) AND bucket = $2', values);
  if (rows[0]!.line.level === 0)
    await transaction.query(
      'DELETE FROM rollup_value WHERE series_id = ANY ($1::bigint[]) AND bucket = $2',
      values,
    );
};

export const deleteValue = async (
  transaction: Transaction,
  { line, bucket }: LockedRow,
  value: string,
): Promise<void> => {
  await transaction.query('DELETE FROM rollup_value WHERE series_id = $1 AND bucket = $2 AND value = $3', [
    line.id,
    bucket,
    value,
  ]);
};

/** Whether retention may have dropped events of a minute; they are received after it, or shortly before. */
export const mayHaveLostEvents = async (queryable: Queryable, minute: number): Promise<boolean> => {
  const { rows } = await queryable.query<{ lost: boolean }>(
    'SELECT coalesce((max(week) + 1) * $2::bigint > $1::bigint, false) AS lost FROM dropped_event_week',
    [minute, weekMs],
  );
  return rows[0]!.lost;
};

/** The extremes of the hour that begins at `bucket`, from a subject's minutes (level 0) or a meter's subjects (level 1). */
export const readExtremes = async (
  queryable: Queryable,
  { compiled, subject }: CountedSeries,
  level: number,
  bucket: number,
): Promise<Extremes> => {
  const { rows } = await queryable.query<Extremes>(
    `SELECT min(r.min) AS min, max(r.max) AS max,
       (array_agg(r.latest ORDER BY r.latest_time DESC, r.latest_seq DESC) FILTER (WHERE r.latest IS NOT NULL))[1] AS latest,
       max(r.latest_time) AS "latestTime",
       (array_agg(r.latest_seq ORDER BY r.latest_time DESC, r.latest_seq DESC) FILTER (WHERE r.latest IS NOT NULL))[1]
         AS "latestSeq"
     FROM series s CROSS JOIN LATERAL (
       SELECT * FROM rollup WHERE series_id = s.id AND bucket >= $4::bigint AND bucket < $4::bigint + ${hourMs}
     ) r WHERE s.meter_number = $1 AND s.level = $2 AND (s.level = 1 OR s.subject = $3)`,
    [compiled.meter.number, level, subject, bucket],
  );
  return rows[0]!;
};
