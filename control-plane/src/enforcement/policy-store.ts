import type { Queryable } from '../storage';
import type { AccessPolicy, PolicyMode } from './access-policy';

interface PolicyRow {
  id: string;
  feature_key: string;
  gateway_id: string;
  leave_groups: string[];
  join_groups: string[];
  mode: PolicyMode;
  created_at: number;
  updated_at: number;
}

const policyOf = (row: PolicyRow): AccessPolicy => ({
  id: row.id,
  featureKey: row.feature_key,
  gatewayId: row.gateway_id,
  leave: row.leave_groups,
  join: row.join_groups,
  mode: row.mode,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

export interface PolicyFilter {
  featureKey?: string | undefined;
  gatewayId?: string | undefined;
}

export const listPolicies = async (
  queryable: Queryable,
  filter: PolicyFilter = {},
): Promise<AccessPolicy[]> => {
  const { rows } = await queryable.query<PolicyRow>(
    `SELECT * FROM access_policy
     WHERE ($1::text IS NULL OR feature_key = $1) AND ($2::text IS NULL OR gateway_id = $2) ORDER BY id`,
    [filter.featureKey ?? null, filter.gatewayId ?? null],
  );
  return rows.map(policyOf);
};

export const findPolicy = async (queryable: Queryable, id: string): Promise<AccessPolicy | undefined> => {
  const { rows } = await queryable.query<PolicyRow>('SELECT * FROM access_policy WHERE id = $1', [id]);
  return rows[0] && policyOf(rows[0]);
};

/** @throws a unique violation when the feature has a policy on the gateway already */
export const savePolicy = async (queryable: Queryable, policy: AccessPolicy): Promise<void> => {
  await queryable.query(
    `INSERT INTO access_policy (id, feature_key, gateway_id, leave_groups, join_groups, mode, created_at, updated_at)
     VALUES ($1, $2, $3, $4::jsonb, $5::jsonb, $6, $7, $8)
     ON CONFLICT (id) DO UPDATE SET feature_key = excluded.feature_key, gateway_id = excluded.gateway_id,
       leave_groups = excluded.leave_groups, join_groups = excluded.join_groups, mode = excluded.mode,
       updated_at = excluded.updated_at`,
    [
      policy.id,
      policy.featureKey,
      policy.gatewayId,
      JSON.stringify(policy.leave),
      JSON.stringify(policy.join),
      policy.mode,
      policy.createdAt,
      policy.updatedAt,
    ],
  );
};

export const deletePolicy = async (queryable: Queryable, id: string): Promise<boolean> =>
  (await queryable.query('DELETE FROM access_policy WHERE id = $1 RETURNING id', [id])).rowCount > 0;
