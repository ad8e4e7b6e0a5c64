import type { Queryable } from '../storage';

/** A person's decision about a customer's access, with its reason. Times are epoch milliseconds. */
export interface AccessHold {
  id: string;
  customerId: string;
  /** Null: every feature. */
  featureKey: string | null;
  kind: 'hold' | 'allow';
  reason: string;
  /** When it ends by itself. */
  endsAt: number | null;
  /** When it ended. */
  endedAt: number | null;
  createdBy: string;
  createdAt: number;
}

interface HoldRow {
  id: string;
  customer_id: string;
  feature_key: string | null;
  kind: 'hold' | 'allow';
  reason: string;
  ends_at: number | null;
  ended_at: number | null;
  created_by: string;
  created_at: number;
}

const holdOf = (row: HoldRow): AccessHold => ({
  id: row.id,
  customerId: row.customer_id,
  featureKey: row.feature_key,
  kind: row.kind,
  reason: row.reason,
  endsAt: row.ends_at,
  endedAt: row.ended_at,
  createdBy: row.created_by,
  createdAt: row.created_at,
});

export const insertHold = async (queryable: Queryable, hold: AccessHold): Promise<void> => {
  await queryable.query(
    `INSERT INTO access_hold (id, customer_id, feature_key, kind, reason, ends_at, created_by, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      hold.id,
      hold.customerId,
      hold.featureKey,
      hold.kind,
      hold.reason,
      hold.endsAt,
      hold.createdBy,
      hold.createdAt,
    ],
  );
};

/** Ends the hold in force for the customer and the same feature, if there is one. */
export const endHoldsFor = async (
  queryable: Queryable,
  customerId: string,
  featureKey: string | null,
  now: number,
): Promise<void> => {
  await queryable.query(
    `UPDATE access_hold SET ended_at = $3
     WHERE customer_id = $1 AND feature_key IS NOT DISTINCT FROM $2 AND ended_at IS NULL`,
    [customerId, featureKey, now],
  );
};

/** Ends a hold; undefined when it is unknown or has ended. */
export const endHold = async (
  queryable: Queryable,
  id: string,
  now: number,
): Promise<AccessHold | undefined> => {
  const { rows } = await queryable.query<HoldRow>(
    'UPDATE access_hold SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL RETURNING *',
    [id, now],
  );
  return rows[0] && holdOf(rows[0]);
};

/** Ends the holds whose time is over, those that other replicas are ending left out. */
export const endDueHolds = async (
  queryable: Queryable,
  now: number,
  limit: number,
): Promise<AccessHold[]> => {
  const { rows } = await queryable.query<HoldRow>(
    `UPDATE access_hold SET ended_at = ends_at WHERE id IN (
       SELECT id FROM access_hold WHERE ended_at IS NULL AND ends_at <= $1::bigint
       ORDER BY ends_at LIMIT $2::bigint FOR UPDATE SKIP LOCKED) RETURNING *`,
    [now, limit],
  );
  return rows.map(holdOf);
};

export interface HoldFilter {
  customerId?: string | undefined;
  /** Ended ones as well. */
  includeEnded: boolean;
}

/** From the newest back, before the hold `before`. */
export const listHolds = async (
  queryable: Queryable,
  filter: HoldFilter,
  before: string | undefined,
  limit: number,
): Promise<AccessHold[]> => {
  const { rows } = await queryable.query<HoldRow>(
    `SELECT * FROM access_hold WHERE ($1::text IS NULL OR customer_id = $1) AND ($2 = 'true' OR ended_at IS NULL)
       AND ($3::text IS NULL OR id < $3) ORDER BY id DESC LIMIT $4::bigint`,
    [filter.customerId ?? null, String(filter.includeEnded), before ?? null, limit],
  );
  return rows.map(holdOf);
};

/** A customer by its id or key; deleted ones are not found. */
export const findCustomerId = async (queryable: Queryable, idOrKey: string): Promise<string | undefined> => {
  const { rows } = await queryable.query<{ id: string }>(
    `SELECT id FROM customer WHERE deleted_at IS NULL AND (id = $1 OR key = $1) ORDER BY id = $1 DESC LIMIT 1`,
    [idOrKey],
  );
  return rows[0]?.id;
};
