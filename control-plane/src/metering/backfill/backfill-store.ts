import type { Queryable, Transaction } from '../../storage';
import type { BackfillRow } from './backfill';

const leaseMs = 30_000;
const databaseNow = `(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;

/** The meters with events left to count, oldest first. */
export const pendingMeterIds = async (queryable: Queryable): Promise<string[]> => {
  const { rows } = await queryable.query<{ meter_id: string }>(
    'SELECT meter_id FROM meter_backfill ORDER BY created_at, meter_id',
  );
  return rows.map((row) => row.meter_id);
};

/** Takes or renews the lease; undefined when another replica has it, or nothing is left to do. */
export const leaseBackfill = async (
  queryable: Queryable,
  meterId: string,
  owner: string,
): Promise<BackfillRow | undefined> => {
  const { rows } = await queryable.query<BackfillRow>(
    `UPDATE meter_backfill SET lease_owner = $2, lease_until = ${databaseNow} + ${leaseMs}
     WHERE meter_id = $1 AND (lease_owner IS NOT DISTINCT FROM $2 OR lease_until < ${databaseNow})
     RETURNING meter_id, number, group_by, counts_from_seq, state, week, time, seq, settled_to, progress, events,
       cancellations`,
    [meterId, owner],
  );
  return rows[0];
};

/** Lets other replicas go on at once. */
export const releaseBackfill = async (
  queryable: Queryable,
  meterId: string,
  owner: string,
): Promise<void> => {
  await queryable.query(
    'UPDATE meter_backfill SET lease_until = 0 WHERE meter_id = $1 AND lease_owner = $2',
    [meterId, owner],
  );
};

/** A place in the stored events; what stands before it is counted. */
export interface Place {
  week: number;
  time: number;
  seq: number;
}

/**
 * Moves the place on, unless the backfill is no longer where it was read: then somebody else has gone on with it, or the
 * meter was changed, or an event of the page was taken back, and the caller's counts must not be stored.
 */
export const advanceBackfill = async (
  transaction: Transaction,
  row: BackfillRow,
  place: Place,
  events: number,
  progress: number,
): Promise<boolean> => {
  const { rowCount } = await transaction.query(
    `UPDATE meter_backfill SET week = $1, time = $2, seq = $3, events = events + $4, progress = $5::real
     WHERE meter_id = $6 AND number = $7 AND state = 'counting' AND week = $8 AND time = $9 AND seq = $10
       AND cancellations = $11
     RETURNING meter_id`,
    [
      place.week,
      place.time,
      place.seq,
      events,
      progress,
      row.meter_id,
      row.number,
      row.week,
      row.time,
      row.seq,
      row.cancellations,
    ],
  );
  return rowCount === 1;
};

/** Begins the settling; false when the row is not where it was read. */
export const beginSettling = async (transaction: Transaction, row: BackfillRow): Promise<boolean> => {
  const { rowCount } = await transaction.query(
    `UPDATE meter_backfill SET state = 'settling', progress = 1
     WHERE meter_id = $1 AND number = $2 AND state = 'counting' AND week = $3 AND time = $4 AND seq = $5
     RETURNING meter_id`,
    [row.meter_id, row.number, row.week, row.time, row.seq],
  );
  return rowCount === 1;
};

/** Makes the rollups of the backfill those of its meter. Call it under changed definitions. */
export const takeOver = async (transaction: Transaction, row: BackfillRow): Promise<void> => {
  await transaction.query(
    `INSERT INTO retired_meter_number (number)
     SELECT number FROM meter WHERE id = $1 AND number <> $2::integer ON CONFLICT DO NOTHING`,
    [row.meter_id, row.number],
  );
  await transaction.query(
    `UPDATE meter SET number = $2, group_by = $3::jsonb, counts_from_seq = $4 WHERE id = $1`,
    [row.meter_id, row.number, JSON.stringify(row.group_by), row.counts_from_seq],
  );
};

export const advanceSettling = async (
  transaction: Transaction,
  row: BackfillRow,
  settledTo: string,
): Promise<boolean> => {
  const { rowCount } = await transaction.query(
    `UPDATE meter_backfill SET settled_to = $3 WHERE meter_id = $1 AND number = $2 AND settled_to = $4
     RETURNING meter_id`,
    [row.meter_id, row.number, settledTo, row.settled_to],
  );
  return rowCount === 1;
};

export const endBackfill = async (transaction: Transaction, row: BackfillRow): Promise<void> => {
  await transaction.query('DELETE FROM meter_backfill WHERE meter_id = $1 AND number = $2', [
    row.meter_id,
    row.number,
  ]);
  await transaction.query('UPDATE meter SET backfilled_to_seq = counts_from_seq WHERE id = $1', [
    row.meter_id,
  ]);
};

/** A series of a busy year has half a million buckets. */
const retiredSeriesLimit = 20;

/** Deletes some of the rollups that nobody reads any more; false when none are left. */
export const deleteRetiredRollups = async (transaction: Transaction): Promise<boolean> => {
  const { rows } = await transaction.query<{ number: number }>(
    'SELECT number FROM retired_meter_number ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED',
  );
  const number = rows[0]?.number;
  if (number === undefined) return false;
  const series = await transaction.query<{ id: number }>(
    `SELECT id FROM series WHERE meter_number = $1 ORDER BY id LIMIT ${retiredSeriesLimit}`,
    [number],
  );
  if (series.rows.length === 0) {
    await transaction.query('DELETE FROM retired_meter_number WHERE number = $1', [number]);
    return true;
  }
  const ids = [transaction.arrays.bigint(series.rows.map((row) => row.id))];
  await transaction.query('DELETE FROM rollup WHERE series_id = ANY ($1::bigint[])', ids);
  await transaction.query('DELETE FROM rollup_value WHERE series_id = ANY ($1::bigint[])', ids);
  await transaction.query('DELETE FROM series WHERE id = ANY ($1::bigint[])', ids);
  return true;
};
