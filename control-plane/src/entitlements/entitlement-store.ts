import { formatDuration } from '../primitives/durations';
import type { Queryable, Transaction } from '../storage';
import type { Entitlement } from './entitlement';
import { type EntitlementRow, entitlementOf } from './entitlement-rows';

/** An entitlement by its id, ended ones too. */
export const findEntitlementById = async (
  queryable: Queryable,
  id: string,
): Promise<Entitlement | undefined> => {
  const { rows } = await queryable.query<EntitlementRow>('SELECT * FROM entitlement WHERE id = $1', [id]);
  return rows[0] && entitlementOf(rows[0]);
};

/** A customer's entitlement by its id, or the one it has for a feature now (or next, where none is active yet). */
export const findEntitlement = async (
  queryable: Queryable,
  customerId: string,
  idOrFeatureKey: string,
  now: number,
): Promise<Entitlement | undefined> => {
  const { rows } = await queryable.query<EntitlementRow>(
    `SELECT * FROM entitlement WHERE customer_id = $1 AND deleted_at IS NULL
       AND (id = $2 OR (feature_key = $2 AND (active_to IS NULL OR active_to > $3::bigint)))
     ORDER BY id = $2 DESC, active_from LIMIT 1`,
    [customerId, idOrFeatureKey, now],
  );
  return rows[0] && entitlementOf(rows[0]);
};

/** Locks an entitlement against other changes of it (ingest and evaluation go on); undefined when it has ended. */
export const lockEntitlement = async (
  transaction: Transaction,
  id: string,
): Promise<Entitlement | undefined> => {
  const { rows } = await transaction.query<EntitlementRow>(
    'SELECT * FROM entitlement WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE',
    [id],
  );
  return rows[0] && entitlementOf(rows[0]);
};

/** An entitlement of the same customer and feature whose active time meets [activeFrom, activeTo). */
export const findOverlapping = async (
  queryable: Queryable,
  { customerId, featureKey, activeFrom, activeTo }: Entitlement,
): Promise<string | undefined> => {
  const { rows } = await queryable.query<{ id: string }>(
    `SELECT id FROM entitlement WHERE customer_id = $1 AND feature_key = $2 AND deleted_at IS NULL
       AND (active_to IS NULL OR active_to > $3::bigint) AND ($4::bigint IS NULL OR active_from < $4::bigint) LIMIT 1`,
    [customerId, featureKey, activeFrom, activeTo],
  );
  return rows[0]?.id;
};

export const insertEntitlement = async (
  transaction: Transaction,
  entitlement: Entitlement,
): Promise<void> => {
  const metered = entitlement.type === 'metered' ? entitlement : undefined;
  await transaction.query(
    `INSERT INTO entitlement (id, customer_id, feature_id, feature_key, subject_key, type, config, is_soft_limit,
       issue_after_reset, issue_after_reset_priority, preserve_overage_at_reset, measure_usage_from,
       usage_period_interval, usage_period_anchor, subscription_id, active_from, active_to, metadata, annotations,
       created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18::jsonb, $19::jsonb, $20, $21)`,
    [
      entitlement.id,
      entitlement.customerId,
      entitlement.featureId,
      entitlement.featureKey,
      entitlement.subjectKey,
      entitlement.type,
      entitlement.type === 'static' ? entitlement.config : null,
      metered?.isSoftLimit ?? false,
      metered?.issueAfterReset ?? null,
      metered?.issueAfterResetPriority ?? null,
      metered?.preserveOverageAtReset ?? false,
      metered?.measureUsageFrom ?? null,
      metered ? formatDuration(metered.usagePeriod.interval) : null,
      metered?.usagePeriod.anchor ?? null,
      entitlement.subscriptionId,
      entitlement.activeFrom,
      entitlement.activeTo,
      JSON.stringify(entitlement.metadata),
      JSON.stringify(entitlement.annotations),
      entitlement.createdAt,
      entitlement.updatedAt,
    ],
  );
};

/** Deletes entitlements as of now; their rows stay for history. */
export const markEntitlementsDeleted = async (
  transaction: Transaction,
  ids: readonly string[],
  now: number,
): Promise<void> => {
  await transaction.query(
    `UPDATE entitlement SET deleted_at = $2::bigint, updated_at = $2::bigint,
       active_to = least(coalesce(active_to, $2::bigint), greatest($2::bigint, active_from))
     WHERE id = ANY ($1::text[]) AND deleted_at IS NULL`,
    [transaction.arrays.text(ids), now],
  );
};

/** Sets when entitlements end by themselves; null for never. */
export const setActiveTo = async (
  transaction: Transaction,
  id: string,
  activeTo: number | null,
  now: number,
): Promise<void> => {
  await transaction.query(
    'UPDATE entitlement SET active_to = $2::bigint, updated_at = $3::bigint WHERE id = $1',
    [id, activeTo, now],
  );
};

/** The entitlements of a customer that have not ended, by id. */
export const entitlementIdsOfCustomer = async (
  queryable: Queryable,
  customerId: string,
): Promise<string[]> => {
  const { rows } = await queryable.query<{ id: string }>(
    'SELECT id FROM entitlement WHERE customer_id = $1 AND deleted_at IS NULL ORDER BY id',
    [customerId],
  );
  return rows.map((row) => row.id);
};

/** Which entitlements a list shows; undefined for no condition. */
export interface EntitlementFilter {
  /** Ids or keys of features. */
  features?: readonly string[] | undefined;
  subjects?: readonly string[] | undefined;
  customerIds?: readonly string[] | undefined;
  customerKeys?: readonly string[] | undefined;
  types?: readonly string[] | undefined;
  includeDeleted: boolean;
  /** Leave out those that are not active at this instant. */
  activeAt?: number | undefined;
  /** Leave out those that had ended by this instant. */
  activeEndAfter?: number | undefined;
  orderBy: 'createdAt' | 'updatedAt';
  isDescending: boolean;
}

const listCondition = `($1::text[] IS NULL OR e.feature_key = ANY ($1::text[]) OR e.feature_id = ANY ($1::text[]))
  AND ($2::text[] IS NULL OR e.customer_id IN (SELECT customer_id FROM customer_subject WHERE subject = ANY ($2::text[])))
  AND ($3::text[] IS NULL OR e.customer_id = ANY ($3::text[]))
  AND ($4::text[] IS NULL OR e.customer_id IN (SELECT id FROM customer WHERE key = ANY ($4::text[]) AND deleted_at IS NULL))
  AND ($5::text[] IS NULL OR e.type = ANY ($5::text[]))
  AND ($6::boolean OR e.deleted_at IS NULL)
  AND ($7::bigint IS NULL OR (e.active_from <= $7::bigint AND (e.active_to IS NULL OR e.active_to > $7::bigint)))
  AND ($8::bigint IS NULL OR e.active_to IS NULL OR e.active_to > $8::bigint)`;

export const listEntitlements = async (
  queryable: Queryable,
  filter: EntitlementFilter,
  slice: { limit: number; offset: number },
): Promise<{ items: Entitlement[]; totalCount: number }> => {
  const texts = (list: readonly string[] | undefined) => (list ? queryable.arrays.text(list) : null);
  const values = [
    texts(filter.features),
    texts(filter.subjects),
    texts(filter.customerIds),
    texts(filter.customerKeys),
    texts(filter.types),
    filter.includeDeleted,
    filter.activeAt ?? null,
    filter.activeEndAfter ?? null,
  ];
  const column = filter.orderBy === 'updatedAt' ? 'e.updated_at' : 'e.created_at';
  const direction = filter.isDescending ? 'DESC' : 'ASC';
  const { rows } = await queryable.query<EntitlementRow>(
    `SELECT e.* FROM entitlement e WHERE ${listCondition}
     ORDER BY ${column} ${direction}, e.id ${direction} LIMIT $9::bigint OFFSET $10::bigint`,
    [...values, slice.limit, slice.offset],
  );
  const count = await queryable.query<{ n: number }>(
    `SELECT count(*) AS n FROM entitlement e WHERE ${listCondition}`,
    values,
  );
  return { items: rows.map(entitlementOf), totalCount: count.rows[0]!.n };
};
