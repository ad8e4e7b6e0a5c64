import type { Queryable } from '../storage';
import type { StoredStanding } from './stored-standing';

/** An entitlement's standing with what its value shows beside it. */
export interface ValueRow
  extends Pick<
    StoredStanding,
    'validUntil' | 'isStale' | 'usage' | 'exhaustsAt' | 'totalAvailable' | 'grantBalances'
  > {
  entitlementId: string;
  featureKey: string;
  type: 'metered' | 'static' | 'boolean';
  config: string | null;
  isSoftLimit: boolean;
  activeFrom: number;
  hasAccess: boolean;
}

const columns = `e.id AS "entitlementId", e.feature_key AS "featureKey", e.type, e.config, e.is_soft_limit AS "isSoftLimit",
  e.active_from AS "activeFrom", u.valid_until AS "validUntil", u.is_stale AS "isStale", u.usage,
  u.exhausts_at AS "exhaustsAt", u.total_available AS "totalAvailable", u.grant_balances AS "grantBalances",
  u.has_access AS "hasAccess"`;

/** Whose entitlement: a customer by id or key, or whichever customer a subject belongs to. */
export type Holder = { customer: string } | { subject: string };

const byHolder = {
  customer: `SELECT id FROM customer WHERE id = $1 AND deleted_at IS NULL
    UNION ALL SELECT id FROM customer WHERE key = $1 AND deleted_at IS NULL`,
  subject: 'SELECT customer_id FROM customer_subject WHERE subject = $1',
};

/** The value of the entitlement with this id, or of the one for this feature now, with one statement. */
export const readValueRow = async (
  queryable: Queryable,
  holder: Holder,
  idOrFeatureKey: string,
  now: number,
): Promise<ValueRow | undefined> => {
  const [kind, name] =
    'customer' in holder ? (['customer', holder.customer] as const) : (['subject', holder.subject] as const);
  const { rows } = await queryable.query<ValueRow>(
    `SELECT ${columns} FROM entitlement e JOIN entitlement_standing u ON u.entitlement_id = e.id
     WHERE e.customer_id IN (${byHolder[kind]}) AND e.deleted_at IS NULL
       AND (e.id = $2 OR (e.feature_key = $2 AND (e.active_to IS NULL OR e.active_to > $3::bigint)))
     ORDER BY e.id = $2 DESC, e.active_from LIMIT 1`,
    [name, idOrFeatureKey, now],
  );
  return rows[0];
};

/** The values of all entitlements of a customer that are active now. */
export const readValueRows = async (
  queryable: Queryable,
  customerId: string,
  now: number,
): Promise<ValueRow[]> => {
  const { rows } = await queryable.query<ValueRow>(
    `SELECT ${columns} FROM entitlement e JOIN entitlement_standing u ON u.entitlement_id = e.id
     WHERE e.customer_id = $1 AND e.deleted_at IS NULL AND e.active_from <= $2::bigint
       AND (e.active_to IS NULL OR e.active_to > $2::bigint)
     ORDER BY e.feature_key`,
    [customerId, now],
  );
  return rows;
};
