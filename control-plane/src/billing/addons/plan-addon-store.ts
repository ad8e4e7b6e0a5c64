import type { Queryable, Transaction } from '../../storage';
import type { PlanAddon } from './addon';
import { type AddonRow, addonOf } from './addon-store';

interface PlanAddonRow {
  plan_id: string;
  addon: AddonRow;
  from_plan_phase: string;
  max_quantity: number | null;
  metadata: Record<string, string>;
  created_at: number;
  updated_at: number;
}

const planAddonOf = (row: PlanAddonRow): PlanAddon => ({
  planId: row.plan_id,
  addon: addonOf(row.addon),
  fromPlanPhase: row.from_plan_phase,
  maxQuantity: row.max_quantity,
  metadata: row.metadata,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

const rows = `SELECT p.*, to_jsonb(a) AS addon FROM plan_addon p JOIN addon a ON a.id = p.addon_id WHERE p.plan_id = $1`;

/** What a plan offers of an add-on, by the add-on's id or key. */
export const findPlanAddon = async (
  queryable: Queryable,
  planId: string,
  addonIdOrKey: string,
): Promise<PlanAddon | undefined> => {
  const found = await queryable.query<PlanAddonRow>(
    `${rows} AND (a.id = $2 OR a.key = $2) ORDER BY a.id = $2 DESC, a.version DESC LIMIT 1`,
    [planId, addonIdOrKey],
  );
  return found.rows[0] && planAddonOf(found.rows[0]);
};

export interface PlanAddonFilter {
  addonIds?: readonly string[] | undefined;
  keys?: readonly string[] | undefined;
}

export const listPlanAddons = async (
  queryable: Queryable,
  planId: string,
  { addonIds, keys }: PlanAddonFilter,
  slice: { limit: number; offset: number },
): Promise<{ items: PlanAddon[]; totalCount: number }> => {
  const texts = (list: readonly string[] | undefined) => (list ? queryable.arrays.text(list) : null);
  const condition = `($2::text[] IS NULL OR a.id = ANY ($2::text[])) AND ($3::text[] IS NULL OR a.key = ANY ($3::text[]))`;
  const values = [planId, texts(addonIds), texts(keys)];
  const found = await queryable.query<PlanAddonRow>(
    `${rows} AND ${condition} ORDER BY a.key, a.version LIMIT $4::bigint OFFSET $5::bigint`,
    [...values, slice.limit, slice.offset],
  );
  const count = await queryable.query<{ n: number }>(
    `SELECT count(*) AS n FROM plan_addon p JOIN addon a ON a.id = p.addon_id WHERE p.plan_id = $1 AND ${condition}`,
    values,
  );
  return { items: found.rows.map(planAddonOf), totalCount: count.rows[0]!.n };
};

/** Inserts what a plan offers, or replaces it. */
export const writePlanAddon = async (transaction: Transaction, planAddon: PlanAddon): Promise<void> => {
  await transaction.query(
    `INSERT INTO plan_addon (plan_id, addon_id, from_plan_phase, max_quantity, metadata, created_at, updated_at)
     VALUES ($1, $2, $3, $4::integer, $5::jsonb, $6, $7)
     ON CONFLICT (plan_id, addon_id) DO UPDATE SET from_plan_phase = excluded.from_plan_phase,
       max_quantity = excluded.max_quantity, metadata = excluded.metadata, updated_at = excluded.updated_at`,
    [
      planAddon.planId,
      planAddon.addon.id,
      planAddon.fromPlanPhase,
      planAddon.maxQuantity,
      JSON.stringify(planAddon.metadata),
      planAddon.createdAt,
      planAddon.updatedAt,
    ],
  );
};

export const deletePlanAddon = async (transaction: Transaction, { planId, addon }: PlanAddon) => {
  await transaction.query('DELETE FROM plan_addon WHERE plan_id = $1 AND addon_id = $2', [planId, addon.id]);
};
