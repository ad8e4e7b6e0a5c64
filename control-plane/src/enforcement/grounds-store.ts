import type { Queryable } from '../storage';
import type { AccessGrounds, HoldInForce } from './decide-access';

/** A customer with all that decides about its access. */
export interface CustomerGrounds {
  customerId: string;
  key: string | null;
  name: string;
  /** The event subjects that are this customer's, and so the keys of its consumers; none when it was deleted. */
  subjects: readonly string[];
  groundsOf(featureKey: string): AccessGrounds;
}

interface GroundsRow {
  id: string;
  key: string | null;
  name: string;
  subjects: string[] | null;
  entitled: Record<string, boolean> | null;
  reported: Record<string, boolean> | null;
  holds: (HoldInForce & { endedAt: number | null })[] | null;
}

/**
 * Reads what decides about access now, for customers and features together. An entitlement that begins later decides
 * nothing yet; one that ended or was deleted still says that the customer is managed.
 */
export const readGrounds = async (
  queryable: Queryable,
  customerIds: readonly string[],
  featureKeys: readonly string[],
  now: number,
): Promise<Map<string, CustomerGrounds>> => {
  const { rows } = await queryable.query<GroundsRow>(groundsStatement, [
    queryable.arrays.text(customerIds),
    queryable.arrays.text(featureKeys),
    now,
  ]);
  return new Map(rows.map((row) => [row.id, groundsOf(row)]));
};

const groundsOf = (row: GroundsRow): CustomerGrounds => {
  const holds = row.holds ?? [];
  // A hold whose time is over counts until it is ended, so that its end is the cause of what follows.
  const inForce = holds.filter(({ endedAt }) => endedAt === null);
  return {
    customerId: row.id,
    key: row.key,
    name: row.name,
    subjects: row.subjects ?? [],
    groundsOf: (featureKey) => ({
      entitled: row.entitled?.[featureKey],
      reported: row.reported?.[featureKey],
      holds: inForce,
      wasHeld: holds.some((hold) => hold.featureKey === featureKey),
    }),
  };
};

const groundsStatement = `WITH c AS (SELECT id, key, name FROM customer WHERE id = ANY ($1::text[])),
  subjects AS (
    SELECT customer_id, jsonb_agg(subject ORDER BY position, subject) AS subjects FROM customer_subject
    WHERE customer_id = ANY ($1::text[]) GROUP BY customer_id),
  entitled AS (
    SELECT customer_id, jsonb_object_agg(feature_key, has_access) AS entitled FROM (
      SELECT e.customer_id, e.feature_key, bool_or(COALESCE(s.has_access, false)) AS has_access
      FROM entitlement e LEFT JOIN entitlement_standing s ON s.entitlement_id = e.id
      WHERE e.customer_id = ANY ($1::text[]) AND e.feature_key = ANY ($2::text[]) AND e.active_from <= $3::bigint
      GROUP BY e.customer_id, e.feature_key) AS standing
    GROUP BY customer_id),
  reported AS (
    SELECT customer_id, jsonb_object_agg(feature_key, has_access) AS reported FROM reported_access
    WHERE customer_id = ANY ($1::text[]) AND feature_key = ANY ($2::text[]) GROUP BY customer_id),
  holds AS (
    SELECT customer_id, jsonb_agg(jsonb_build_object('featureKey', feature_key, 'kind', kind, 'endedAt',
      ended_at)) AS holds FROM access_hold
    WHERE customer_id = ANY ($1::text[]) GROUP BY customer_id)
  SELECT c.id, c.key, c.name, subjects.subjects, entitled.entitled, reported.reported, holds.holds FROM c
  LEFT JOIN subjects ON subjects.customer_id = c.id LEFT JOIN entitled ON entitled.customer_id = c.id
  LEFT JOIN reported ON reported.customer_id = c.id LEFT JOIN holds ON holds.customer_id = c.id`;

/** Who owns event subjects: the customer of each that has one. */
export const readOwners = async (
  queryable: Queryable,
  subjects: readonly string[],
): Promise<Map<string, string>> => {
  if (subjects.length === 0) return new Map();
  const { rows } = await queryable.query<{ subject: string; customer_id: string }>(
    'SELECT subject, customer_id FROM customer_subject WHERE subject = ANY ($1::text[])',
    [queryable.arrays.text(subjects)],
  );
  return new Map(rows.map((row) => [row.subject, row.customer_id]));
};

/** Customers after `after` that any of the features ever concerned, in the order of their ids. */
export const readManagedCustomers = async (
  queryable: Queryable,
  featureKeys: readonly string[],
  after: string,
  limit: number,
): Promise<string[]> => {
  const { rows } = await queryable.query<{ customer_id: string }>(
    `SELECT customer_id FROM (
       SELECT customer_id FROM entitlement WHERE feature_key = ANY ($1::text[]) AND customer_id > $2
       UNION SELECT customer_id FROM reported_access WHERE feature_key = ANY ($1::text[]) AND customer_id > $2
       UNION SELECT customer_id FROM access_hold WHERE feature_key = ANY ($1::text[]) AND customer_id > $2) AS managed
     ORDER BY customer_id LIMIT $3::bigint`,
    [queryable.arrays.text(featureKeys), after, limit],
  );
  return rows.map((row) => row.customer_id);
};
