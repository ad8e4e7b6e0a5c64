import { formatQuantity } from '../primitives/decimal';
import { formatDuration } from '../primitives/durations';
import type { Queryable, Transaction } from '../storage';
import type { Grant } from './burn-down/grant';
import type { ManualReset } from './entitlement';
import { type GrantRow, grantOf } from './entitlement-rows';

/** A grant as it was asked for, with all that burning it down does not need. */
export interface GrantRecord extends Grant {
  entitlementId: string;
  /** As given; `expiresAt` follows from it. */
  expiration: { duration: string; count: number } | null;
  metadata: Record<string, string>;
  annotations: Record<string, unknown>;
  updatedAt: number;
}

const recordOf = (row: GrantRow): GrantRecord => ({
  ...grantOf(row),
  entitlementId: row.entitlement_id,
  expiration: row.expiration,
  metadata: row.metadata,
  annotations: row.annotations,
  updatedAt: row.updated_at,
});

export const insertGrants = async (
  transaction: Transaction,
  grants: readonly GrantRecord[],
): Promise<void> => {
  for (const grant of grants) {
    await transaction.query(
      `INSERT INTO entitlement_grant (id, entitlement_id, amount, priority, effective_at, expiration, expires_at,
         min_rollover, max_rollover, recurrence_interval, recurrence_anchor, metadata, annotations, created_at, updated_at)
       VALUES ($1, $2, $3::numeric, $4, $5, $6::jsonb, $7, $8::numeric, $9::numeric, $10, $11, $12::jsonb, $13::jsonb, $14, $15)`,
      [
        grant.id,
        grant.entitlementId,
        formatQuantity(grant.amount),
        grant.priority,
        grant.effectiveAt,
        grant.expiration === null ? null : JSON.stringify(grant.expiration),
        grant.expiresAt ?? null,
        formatQuantity(grant.minRollover),
        formatQuantity(grant.maxRollover),
        grant.recurrence ? formatDuration(grant.recurrence.interval) : null,
        grant.recurrence?.anchor ?? null,
        JSON.stringify(grant.metadata),
        JSON.stringify(grant.annotations),
        grant.createdAt,
        grant.updatedAt,
      ],
    );
  }
};

export const findGrant = async (queryable: Queryable, id: string): Promise<GrantRecord | undefined> => {
  const { rows } = await queryable.query<GrantRow>('SELECT * FROM entitlement_grant WHERE id = $1', [id]);
  return rows[0] && recordOf(rows[0]);
};

export const markGrantVoided = async (
  transaction: Transaction,
  id: string,
  at: number,
  now: number,
): Promise<void> => {
  await transaction.query(
    'UPDATE entitlement_grant SET voided_at = $2::bigint, updated_at = $3::bigint WHERE id = $1',
    [id, at, now],
  );
};

/** Which grants a list shows; undefined for no condition. */
export interface GrantFilter {
  entitlementIds?: readonly string[] | undefined;
  features?: readonly string[] | undefined;
  subjects?: readonly string[] | undefined;
  /** Ids or keys. */
  customers?: readonly string[] | undefined;
  /** Grants that were voided, and those of deleted entitlements. */
  includeDeleted: boolean;
  orderBy: 'id' | 'createdAt' | 'updatedAt';
  isDescending: boolean;
}

const orderColumns = { id: 'g.id', createdAt: 'g.created_at', updatedAt: 'g.updated_at' } as const;

const listCondition = `($1::text[] IS NULL OR g.entitlement_id = ANY ($1::text[]))
  AND ($2::text[] IS NULL OR e.feature_key = ANY ($2::text[]) OR e.feature_id = ANY ($2::text[]))
  AND ($3::text[] IS NULL OR e.customer_id IN (SELECT customer_id FROM customer_subject WHERE subject = ANY ($3::text[])))
  AND ($4::text[] IS NULL OR e.customer_id IN
    (SELECT id FROM customer WHERE (id = ANY ($4::text[]) OR key = ANY ($4::text[])) AND deleted_at IS NULL))
  AND ($5::boolean OR (g.deleted_at IS NULL AND e.deleted_at IS NULL))`;

export const listGrants = async (
  queryable: Queryable,
  filter: GrantFilter,
  slice: { limit: number; offset: number },
): Promise<{ items: GrantRecord[]; totalCount: number }> => {
  const texts = (list: readonly string[] | undefined) => (list ? queryable.arrays.text(list) : null);
  const values = [
    texts(filter.entitlementIds),
    texts(filter.features),
    texts(filter.subjects),
    texts(filter.customers),
    filter.includeDeleted,
  ];
  const from = `FROM entitlement_grant g JOIN entitlement e ON e.id = g.entitlement_id WHERE ${listCondition}`;
  const direction = filter.isDescending ? 'DESC' : 'ASC';
  const { rows } = await queryable.query<GrantRow>(
    `SELECT g.* ${from} ORDER BY ${orderColumns[filter.orderBy]} ${direction}, g.id ${direction}
     LIMIT $6::bigint OFFSET $7::bigint`,
    [...values, slice.limit, slice.offset],
  );
  const count = await queryable.query<{ n: number }>(`SELECT count(*) AS n ${from}`, values);
  return { items: rows.map(recordOf), totalCount: count.rows[0]!.n };
};

export const insertManualReset = async (
  transaction: Transaction,
  entitlementId: string,
  reset: ManualReset,
  now: number,
): Promise<void> => {
  await transaction.query(
    `INSERT INTO entitlement_reset (entitlement_id, at, anchor, preserve_overage, created_at) VALUES ($1, $2, $3, $4, $5)`,
    [entitlementId, reset.at, reset.anchor, reset.preserveOverage, now],
  );
};
