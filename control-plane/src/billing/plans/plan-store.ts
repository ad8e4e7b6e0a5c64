import {
  type Queryable,
  type RowSearch,
  type SearchSource,
  searchRows,
  type Transaction,
} from '../../storage';
import type { Plan, PlanDetails, PlanPhase, PlanStatus } from './plan';

interface PlanRow {
  id: string;
  key: string;
  version: number;
  name: string;
  description: string | null;
  metadata: Record<string, string>;
  currency: string;
  billing_cadence: string;
  is_prorated: boolean;
  phases: PlanPhase[];
  effective_from: number | null;
  effective_to: number | null;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
}

const planOf = (row: PlanRow): Plan => ({
  id: row.id,
  key: row.key,
  version: row.version,
  name: row.name,
  description: row.description,
  metadata: row.metadata,
  currency: row.currency,
  billingCadence: row.billing_cadence,
  isProrated: row.is_prorated,
  phases: row.phases,
  effectiveFrom: row.effective_from,
  effectiveTo: row.effective_to,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  deletedAt: row.deleted_at,
});

/** A plan by its id; deleted ones too. */
export const findPlanById = async (queryable: Queryable, id: string): Promise<Plan | undefined> => {
  const { rows } = await queryable.query<PlanRow>('SELECT * FROM plan WHERE id = $1', [id]);
  return rows[0] && planOf(rows[0]);
};

/** All versions of a key that are not deleted, newest first. */
export const versionsOfPlan = async (queryable: Queryable, key: string): Promise<Plan[]> => {
  const { rows } = await queryable.query<PlanRow>(
    'SELECT * FROM plan WHERE key = $1 AND deleted_at IS NULL ORDER BY version DESC',
    [key],
  );
  return rows.map(planOf);
};

/** Makes changes of one key follow one another; the lock ends with the transaction. */
export const lockPlanKey = async (transaction: Transaction, key: string): Promise<void> => {
  await transaction.query('SELECT pg_advisory_xact_lock(7210030, hashtext($1))', [key]);
};

/** The number for the next version of a key; those of deleted versions stay taken. */
export const nextVersionOf = async (transaction: Transaction, key: string): Promise<number> => {
  const { rows } = await transaction.query<{ version: number }>(
    'SELECT coalesce(max(version), 0) + 1 AS version FROM plan WHERE key = $1',
    [key],
  );
  return rows[0]!.version;
};

export const insertPlan = async (transaction: Transaction, plan: Plan): Promise<void> => {
  await transaction.query(
    `INSERT INTO plan (id, key, version, currency, name, description, metadata, billing_cadence, is_prorated, phases,
       created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, $10::jsonb, $11, $11)`,
    [plan.id, plan.key, plan.version, plan.currency, ...detailsOf(plan), plan.createdAt],
  );
};

/** Replaces what the caller decides about a draft. */
export const updatePlan = async (
  transaction: Transaction,
  id: string,
  details: PlanDetails,
  now: number,
): Promise<void> => {
  await transaction.query(
    `UPDATE plan SET name = $2, description = $3, metadata = $4::jsonb, billing_cadence = $5, is_prorated = $6,
       phases = $7::jsonb, updated_at = $8 WHERE id = $1`,
    [id, ...detailsOf(details), now],
  );
};

const detailsOf = (details: PlanDetails): unknown[] => [
  details.name,
  details.description,
  JSON.stringify(details.metadata),
  details.billingCadence,
  details.isProrated,
  JSON.stringify(details.phases),
];

/** Sets when a plan is in force. */
export const setEffective = async (
  transaction: Transaction,
  id: string,
  from: number,
  to: number | null,
  now: number,
): Promise<void> => {
  await transaction.query(
    'UPDATE plan SET effective_from = $2::bigint, effective_to = $3::bigint, updated_at = $4::bigint WHERE id = $1',
    [id, from, to, now],
  );
};

export const markPlanDeleted = async (transaction: Transaction, id: string, now: number): Promise<void> => {
  await transaction.query('UPDATE plan SET deleted_at = $2::bigint, updated_at = $2::bigint WHERE id = $1', [
    id,
    now,
  ]);
};

/** Which plans a list shows; undefined for no condition. */
export interface PlanFilter {
  ids?: readonly string[] | undefined;
  keys?: readonly string[] | undefined;
  /** "<key>:<version>" */
  keyVersions?: readonly string[] | undefined;
  statuses?: readonly PlanStatus[] | undefined;
  currencies?: readonly string[] | undefined;
  /** A part of the key or the name, without regard to case. */
  search?: string | undefined;
  includeDeleted: boolean;
  orderBy: 'id' | 'key' | 'version' | 'created_at' | 'updated_at';
  isDescending: boolean;
}

const listCondition = `($1::text[] IS NULL OR id = ANY ($1::text[]))
  AND ($2::text[] IS NULL OR key = ANY ($2::text[]))
  AND ($3::text[] IS NULL OR key || ':' || version = ANY ($3::text[]))
  AND ($4::text[] IS NULL OR currency = ANY ($4::text[]))
  AND ($5::boolean OR deleted_at IS NULL)
  AND ($6::text[] IS NULL OR (CASE
    WHEN effective_from IS NULL THEN 'draft'
    WHEN effective_to <= $7::bigint THEN 'archived'
    WHEN effective_from <= $7::bigint THEN 'active'
    ELSE 'scheduled' END) = ANY ($6::text[]))
  AND ($8::text IS NULL OR strpos(lower(key), lower($8)) > 0 OR strpos(lower(name), lower($8)) > 0)`;

export const listPlans = async (
  queryable: Queryable,
  filter: PlanFilter,
  slice: { limit: number; offset: number },
  now: number,
): Promise<{ items: Plan[]; totalCount: number }> => {
  const texts = (list: readonly string[] | undefined) => (list ? queryable.arrays.text(list) : null);
  const values = [
    texts(filter.ids),
    texts(filter.keys),
    texts(filter.keyVersions),
    texts(filter.currencies),
    filter.includeDeleted,
    texts(filter.statuses),
    now,
    filter.search ?? null,
  ];
  const direction = filter.isDescending ? 'DESC' : 'ASC';
  const { rows } = await queryable.query<PlanRow>(
    `SELECT * FROM plan WHERE ${listCondition}
     ORDER BY ${filter.orderBy} ${direction}, id ${direction} LIMIT $9::bigint OFFSET $10::bigint`,
    [...values, slice.limit, slice.offset],
  );
  const count = await queryable.query<{ n: number }>(
    `SELECT count(*) AS n FROM plan WHERE ${listCondition}`,
    values,
  );
  return { items: rows.map(planOf), totalCount: count.rows[0]!.n };
};

const orders = {
  id: 'p.id',
  key: 'p.key',
  version: 'p.version',
  createdAt: 'p.created_at',
  updatedAt: 'p.updated_at',
} as const;

const searchSourceAt = (now: number) =>
  ({
    select: 'p.*',
    from: 'plan p',
    where: 'p.deleted_at IS NULL',
    columns: {
      key: 'p.key',
      name: 'p.name',
      currency: 'p.currency',
      status: (bind) => {
        const at = `${bind(now)}::bigint`;
        return `(CASE WHEN p.effective_from IS NULL THEN 'draft' WHEN p.effective_to <= ${at} THEN 'archived'
          WHEN p.effective_from <= ${at} THEN 'active' ELSE 'scheduled' END)`;
      },
    },
    orders,
    id: 'p.id',
  }) satisfies SearchSource<'key' | 'name' | 'currency' | 'status', keyof typeof orders>;

export type PlanSearch = RowSearch<'key' | 'name' | 'currency' | 'status', keyof typeof orders>;

/** One page of the versions of plans for which all conditions hold. */
export const searchPlans = async (
  queryable: Queryable,
  search: PlanSearch,
  now: number,
): Promise<{ items: Plan[]; totalCount: number }> => {
  const { rows, totalCount } = await searchRows<PlanRow, string, keyof typeof orders>(
    queryable,
    searchSourceAt(now),
    search,
  );
  return { items: rows.map(planOf), totalCount };
};
