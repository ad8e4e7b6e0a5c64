import type { Queryable, Transaction } from '../../storage';
import type { Addon, AddonDetails, AddonStatus, InstanceType } from './addon';

export interface AddonRow {
  id: string;
  key: string;
  version: number;
  name: string;
  description: string | null;
  metadata: Record<string, string>;
  currency: string;
  instance_type: InstanceType;
  rate_cards: Addon['rateCards'];
  effective_from: number | null;
  effective_to: number | null;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
}

export const addonOf = (row: AddonRow): Addon => ({
  id: row.id,
  key: row.key,
  version: row.version,
  name: row.name,
  description: row.description,
  metadata: row.metadata,
  currency: row.currency,
  instanceType: row.instance_type,
  rateCards: row.rate_cards,
  effectiveFrom: row.effective_from,
  effectiveTo: row.effective_to,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  deletedAt: row.deleted_at,
});

/** An add-on by its id; deleted ones too. */
export const findAddonById = async (queryable: Queryable, id: string): Promise<Addon | undefined> => {
  const { rows } = await queryable.query<AddonRow>('SELECT * FROM addon WHERE id = $1', [id]);
  return rows[0] && addonOf(rows[0]);
};

/** All versions of a key that are not deleted, newest first. */
export const versionsOfAddon = async (queryable: Queryable, key: string): Promise<Addon[]> => {
  const { rows } = await queryable.query<AddonRow>(
    'SELECT * FROM addon WHERE key = $1 AND deleted_at IS NULL ORDER BY version DESC',
    [key],
  );
  return rows.map(addonOf);
};

/** Makes changes of one key follow one another; the lock ends with the transaction. */
export const lockAddonKey = async (transaction: Transaction, key: string): Promise<void> => {
  await transaction.query('SELECT pg_advisory_xact_lock(7210050, hashtext($1))', [key]);
};

/** The number for the next version of a key; those of deleted versions stay taken. */
export const nextVersionOfAddon = async (transaction: Transaction, key: string): Promise<number> => {
  const { rows } = await transaction.query<{ version: number }>(
    'SELECT coalesce(max(version), 0) + 1 AS version FROM addon WHERE key = $1',
    [key],
  );
  return rows[0]!.version;
};

const detailsOf = (details: AddonDetails): unknown[] => [
  details.name,
  details.description,
  JSON.stringify(details.metadata),
  details.instanceType,
  JSON.stringify(details.rateCards),
];

export const insertAddon = async (transaction: Transaction, addon: Addon): Promise<void> => {
  await transaction.query(
    `INSERT INTO addon (id, key, version, currency, name, description, metadata, instance_type, rate_cards, created_at,
       updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9::jsonb, $10, $10)`,
    [addon.id, addon.key, addon.version, addon.currency, ...detailsOf(addon), addon.createdAt],
  );
};

/** Writes everything of an add-on that can change. */
export const updateAddon = async (transaction: Transaction, addon: Addon): Promise<void> => {
  await transaction.query(
    `UPDATE addon SET name = $2, description = $3, metadata = $4::jsonb, instance_type = $5, rate_cards = $6::jsonb,
       effective_from = $7::bigint, effective_to = $8::bigint, updated_at = $9, deleted_at = $10::bigint WHERE id = $1`,
    [addon.id, ...detailsOf(addon), addon.effectiveFrom, addon.effectiveTo, addon.updatedAt, addon.deletedAt],
  );
};

/** Which add-ons a list shows; undefined for no condition. */
export interface AddonFilter {
  ids?: readonly string[] | undefined;
  keys?: readonly string[] | undefined;
  /** "<key>:<version>" */
  keyVersions?: readonly string[] | undefined;
  statuses?: readonly AddonStatus[] | undefined;
  currencies?: readonly string[] | undefined;
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
    ELSE 'active' END) = ANY ($6::text[]))`;

export const listAddons = async (
  queryable: Queryable,
  filter: AddonFilter,
  slice: { limit: number; offset: number },
  now: number,
): Promise<{ items: Addon[]; totalCount: number }> => {
  const texts = (list: readonly string[] | undefined) => (list ? queryable.arrays.text(list) : null);
  const values = [
    texts(filter.ids),
    texts(filter.keys),
    texts(filter.keyVersions),
    texts(filter.currencies),
    filter.includeDeleted,
    texts(filter.statuses),
    now,
  ];
  const direction = filter.isDescending ? 'DESC' : 'ASC';
  const { rows } = await queryable.query<AddonRow>(
    `SELECT * FROM addon WHERE ${listCondition}
     ORDER BY ${filter.orderBy} ${direction}, id ${direction} LIMIT $8::bigint OFFSET $9::bigint`,
    [...values, slice.limit, slice.offset],
  );
  const count = await queryable.query<{ n: number }>(
    `SELECT count(*) AS n FROM addon WHERE ${listCondition}`,
    values,
  );
  return { items: rows.map(addonOf), totalCount: count.rows[0]!.n };
};
