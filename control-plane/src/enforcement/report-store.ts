import type { Queryable } from '../storage';

/** Keeps a report; false when a newer one is known. */
export const saveReport = async (
  queryable: Queryable,
  customerId: string,
  featureKey: string,
  hasAccess: boolean,
  at: number,
): Promise<boolean> => {
  const { rowCount } = await queryable.query(
    `INSERT INTO reported_access (customer_id, feature_key, has_access, reported_at) VALUES ($1, $2, $3::boolean, $4)
     ON CONFLICT (customer_id, feature_key) DO UPDATE SET has_access = excluded.has_access,
       reported_at = excluded.reported_at
     WHERE reported_access.reported_at <= excluded.reported_at RETURNING customer_id`,
    [customerId, featureKey, String(hasAccess), at],
  );
  return rowCount > 0;
};
