import { type GroupFilter, type Meter, type MeterRow, meterOf } from '../metering';
import {
  cachedByVersion,
  type Queryable,
  type RowSearch,
  type SearchSource,
  searchRows,
  type Transaction,
} from '../storage';
import type { Feature } from './feature';

interface FeatureRow {
  id: string;
  key: string;
  name: string;
  description: string | null;
  meter_id: string | null;
  filters: GroupFilter;
  unit_cost: Record<string, unknown> | null;
  metadata: Record<string, string>;
  created_at: number;
  updated_at: number;
  archived_at: number | null;
}

export const featureOf = (row: FeatureRow): Feature => ({
  id: row.id,
  key: row.key,
  name: row.name,
  description: row.description,
  meterId: row.meter_id,
  filters: row.filters,
  unitCost: row.unit_cost,
  metadata: row.metadata,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  archivedAt: row.archived_at,
});

/** Features that count events, by the meter they read; archived ones too, since entitlements may still stand on them. */
export type FeaturesByMeter = ReadonlyMap<string, readonly Feature[]>;

export const createFeatureRegistry = () =>
  cachedByVersion(async (queryable: Queryable): Promise<FeaturesByMeter> => {
    const { rows } = await queryable.query<FeatureRow>(
      'SELECT * FROM feature WHERE meter_id IS NOT NULL ORDER BY id',
    );
    const byMeter = new Map<string, Feature[]>();
    for (const row of rows)
      byMeter.set(row.meter_id!, [...(byMeter.get(row.meter_id!) ?? []), featureOf(row)]);
    return byMeter;
  });

export type FeatureRegistry = ReturnType<typeof createFeatureRegistry>;

/** The features that count a meter and are not archived. */
export const activeFeaturesOf = async (queryable: Queryable, meterId: string): Promise<Feature[]> => {
  const { rows } = await queryable.query<FeatureRow>(
    'SELECT * FROM feature WHERE meter_id = $1 AND archived_at IS NULL ORDER BY id',
    [meterId],
  );
  return rows.map(featureOf);
};

/** The feature with this id or, unless it is archived, this key. */
export const findFeature = async (queryable: Queryable, idOrKey: string): Promise<Feature | undefined> => {
  const { rows } = await queryable.query<FeatureRow>(
    `SELECT * FROM feature WHERE id = $1 UNION ALL
     SELECT * FROM feature WHERE key = $1 AND id <> $1 AND archived_at IS NULL LIMIT 1`,
    [idOrKey],
  );
  return rows[0] && featureOf(rows[0]);
};

export interface FeatureFilter {
  meterIds?: readonly string[] | undefined;
  includeArchived: boolean;
  /** A part of the key or the name, without regard to case. */
  search?: string | undefined;
  orderBy: 'id' | 'key' | 'name' | 'createdAt' | 'updatedAt';
  isDescending: boolean;
}

const orderColumns = {
  id: 'id',
  key: 'key',
  name: 'name',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
} as const;

export const listFeatures = async (
  queryable: Queryable,
  filter: FeatureFilter,
  slice: { limit: number; offset: number },
): Promise<{ items: Feature[]; totalCount: number }> => {
  const values = [
    filter.meterIds ? queryable.arrays.text(filter.meterIds) : null,
    filter.includeArchived,
    filter.search ?? null,
  ];
  const condition = `($1::text[] IS NULL OR meter_id = ANY ($1::text[])) AND ($2::boolean OR archived_at IS NULL)
    AND ($3::text IS NULL OR strpos(lower(key), lower($3)) > 0 OR strpos(lower(name), lower($3)) > 0)`;
  const direction = filter.isDescending ? 'DESC' : 'ASC';
  const { rows } = await queryable.query<FeatureRow>(
    `SELECT * FROM feature WHERE ${condition}
     ORDER BY ${orderColumns[filter.orderBy]} ${direction}, id ${direction} LIMIT $4::bigint OFFSET $5::bigint`,
    [...values, slice.limit, slice.offset],
  );
  const count = await queryable.query<{ n: number }>(
    `SELECT count(*) AS n FROM feature WHERE ${condition}`,
    values,
  );
  return { items: rows.map(featureOf), totalCount: count.rows[0]!.n };
};

const searchSource = {
  select: 'f.*',
  from: 'feature f',
  where: 'f.archived_at IS NULL',
  columns: { key: 'f.key', name: 'f.name', meterId: 'f.meter_id' },
  orders: { key: 'f.key', name: 'f.name', createdAt: 'f.created_at', updatedAt: 'f.updated_at' },
  id: 'f.id',
} satisfies SearchSource<string, string>;

export type FeatureSearch = RowSearch<keyof typeof searchSource.columns, keyof typeof searchSource.orders>;

/** One page of the active features for which all conditions hold. */
export const searchFeatures = async (
  queryable: Queryable,
  search: FeatureSearch,
): Promise<{ items: Feature[]; totalCount: number }> => {
  const { rows, totalCount } = await searchRows<FeatureRow, string, keyof typeof searchSource.orders>(
    queryable,
    searchSource,
    search,
  );
  return { items: rows.map(featureOf), totalCount };
};

/** The ids of active features by their keys, those of the keys that there are. */
export const featureIdsByKey = async (
  queryable: Queryable,
  keys: readonly string[],
): Promise<Map<string, string>> => {
  const { rows } = await queryable.query<{ id: string; key: string }>(
    'SELECT id, key FROM feature WHERE key = ANY ($1::text[]) AND archived_at IS NULL',
    [queryable.arrays.text(keys)],
  );
  return new Map(rows.map(({ id, key }) => [key, id]));
};

/** Sets what a unit of a feature costs the seller. */
export const setUnitCost = async (
  transaction: Transaction,
  id: string,
  unitCost: Record<string, unknown> | null,
  now: number,
): Promise<void> => {
  await transaction.query('UPDATE feature SET unit_cost = $2::jsonb, updated_at = $3 WHERE id = $1', [
    id,
    unitCost === null ? null : JSON.stringify(unitCost),
    now,
  ]);
};

/** Inserts a feature; false when another one has its key. */
export const insertFeature = async (transaction: Transaction, feature: Feature): Promise<boolean> => {
  const { rows } = await transaction.query(
    `INSERT INTO feature (id, key, name, meter_id, filters, unit_cost, metadata, created_at, updated_at, description)
     VALUES ($1, $2, $3, $4, $5::jsonb, $6::jsonb, $7::jsonb, $8, $9, $10)
     ON CONFLICT (key) WHERE archived_at IS NULL DO NOTHING RETURNING id`,
    [
      feature.id,
      feature.key,
      feature.name,
      feature.meterId,
      JSON.stringify(feature.filters),
      feature.unitCost === null ? null : JSON.stringify(feature.unitCost),
      JSON.stringify(feature.metadata),
      feature.createdAt,
      feature.updatedAt,
      feature.description,
    ],
  );
  return rows.length > 0;
};

/** Archives a feature; nothing happens to one that is archived already. */
export const markFeatureArchived = async (
  transaction: Transaction,
  id: string,
  now: number,
): Promise<void> => {
  await transaction.query(
    'UPDATE feature SET archived_at = $2, updated_at = $2 WHERE id = $1 AND archived_at IS NULL',
    [id, now],
  );
};

/** The meters that features may count: by id and by slug, those deleted among the ids too. */
export const metersOfFeatures = async (
  queryable: Queryable,
  { ids = [], slugs = [] }: { ids?: readonly string[]; slugs?: readonly string[] },
): Promise<Meter[]> => {
  const { rows } = await queryable.query<MeterRow>(
    `SELECT * FROM meter WHERE id = ANY ($1::text[]) OR (slug = ANY ($2::text[]) AND deleted_at IS NULL)`,
    [queryable.arrays.text(ids), queryable.arrays.text(slugs)],
  );
  return rows.map(meterOf);
};
