import { batchIsWhole } from '../events';
import type { Transaction } from '../storage';
import type { UsageDelta } from './usage-deltas';

/** An entitlement that the running usage alone cannot settle, and since when its past may have changed. */
export interface ToEvaluate {
  entitlementId: string;
  /** The earliest event time in the batch, epoch milliseconds: snapshots after it no longer hold. */
  changedFrom: number;
}

const addStatement = `WITH delta AS (
    SELECT s.customer_id, d.feature_id, bool_and(d.amount IS NOT NULL) AS is_sum, sum(d.amount) AS amount,
      min(d.min_time) AS min_time, max(d.max_time) AS max_time
    FROM unnest($1::text[], $2::text[], $3::numeric[], $4::bigint[], $5::bigint[])
      AS d (feature_id, subject, amount, min_time, max_time)
    JOIN customer_subject s ON s.subject = d.subject
    GROUP BY s.customer_id, d.feature_id
  ), locked AS (
    SELECT u.entitlement_id, d.amount, d.min_time,
      d.is_sum AND NOT u.is_stale AND u.definitions = $6::bigint
        AND d.min_time >= u.segment_from AND d.max_time < u.valid_until AND $7::bigint < u.valid_until AS adds
    FROM entitlement_standing u JOIN delta d USING (customer_id, feature_id)
    WHERE d.max_time >= u.measure_from AND ($8::boolean OR ${batchIsWhole})
    ORDER BY u.entitlement_id
    FOR UPDATE OF u
  ), added AS (
    UPDATE entitlement_standing u SET
      usage = CASE WHEN l.adds THEN u.usage + l.amount ELSE u.usage END,
      is_stale = u.is_stale OR NOT l.adds
    FROM locked l WHERE u.entitlement_id = l.entitlement_id
    RETURNING u.entitlement_id, l.min_time, NOT l.adds OR u.usage >= u.wake_at
      OR (u.usage < u.exhausts_at AND NOT u.has_access) AS must_evaluate
  )
  SELECT entitlement_id, min_time FROM added WHERE must_evaluate ORDER BY entitlement_id`;

/**
 * Adds to the running usage of every entitlement concerned and returns those that must be evaluated: a limit was
 * reached, a correction gave access back, the events lie outside of the present segment, the amount is no sum, or the
 * definitions have changed. Events before an entitlement measures usage leave it alone.
 * The rows stay locked until the transaction ends, in the order of their ids.
 *
 * @param now epoch milliseconds of the batch's receipt
 * @param isCertain false for the batch that a statement before stores in this transaction: it adds, and something is
 *   returned, only if that batch turns out to be whole
 */
export const addUsage = async (
  transaction: Transaction,
  deltas: readonly UsageDelta[],
  definitions: number,
  now: number,
  isCertain = true,
): Promise<ToEvaluate[]> => {
  if (deltas.length === 0) return [];
  const { arrays } = transaction;
  const { rows } = await transaction.query<{ entitlement_id: string; min_time: number }>(addStatement, [
    arrays.text(deltas.map((delta) => delta.featureId)),
    arrays.text(deltas.map((delta) => delta.subject)),
    arrays.numeric(deltas.map((delta) => delta.amount)),
    arrays.bigint(deltas.map((delta) => delta.minTime)),
    arrays.bigint(deltas.map((delta) => delta.maxTime)),
    definitions,
    now,
    isCertain,
  ]);
  return rows.map((row) => ({ entitlementId: row.entitlement_id, changedFrom: row.min_time }));
};
