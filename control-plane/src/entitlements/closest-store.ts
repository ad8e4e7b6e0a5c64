import type { Queryable } from '../storage';
import { endOfTime } from './evaluation';

/** A metered entitlement of which something is used, with how much; quantities as decimal text, times in epoch milliseconds. */
export interface UsedShare {
  entitlementId: string;
  customerId: string;
  customerKey: string | null;
  customerName: string;
  featureKey: string;
  usage: string;
  /** The usage at which the balance is zero. */
  allowance: string;
  periodFrom: number;
  periodTo: number;
  /** Since when its usage counts. */
  measuredFrom: number;
  hasAccess: boolean;
  isSoftLimit: boolean;
}

export interface ShareFilter {
  featureKey?: string | undefined;
  /** A part of the customer's key or name. */
  search?: string | undefined;
  /** Whether those that have used all of it are there as well. */
  withExhausted: boolean;
}

const condition = `u.active_from <= $1::bigint AND u.measure_from < ${endOfTime} AND u.exhausts_at > 0 AND u.usage > 0
  AND ($2::boolean OR u.usage < u.exhausts_at)
  AND ($3::text IS NULL OR u.feature_key = $3)
  AND ($4::text IS NULL OR EXISTS (SELECT 1 FROM customer s
    WHERE s.id = u.customer_id AND strpos(lower(concat_ws(' ', s.key, s.name)), lower($4)) > 0))`;

/**
 * Those of which the largest share is used, and how many there are in all. It reads every standing: an index by the share
 * would have to be written by every batch of events, which would cost ingest more than this costs a page.
 */
export const readLargestShares = async (
  queryable: Queryable,
  filter: ShareFilter,
  now: number,
  limit: number,
): Promise<{ items: UsedShare[]; count: number }> => {
  const values = [now, filter.withExhausted, filter.featureKey ?? null, filter.search ?? null];
  const { rows } = await queryable.query<UsedShare>(
    `SELECT u.entitlement_id AS "entitlementId", u.customer_id AS "customerId", c.key AS "customerKey",
       c.name AS "customerName", u.feature_key AS "featureKey", u.usage, u.exhausts_at AS allowance,
       u.period_from AS "periodFrom", u.period_to AS "periodTo",
       greatest(u.measure_from, u.period_from, u.active_from) AS "measuredFrom", u.has_access AS "hasAccess",
       e.is_soft_limit AS "isSoftLimit"
     FROM (SELECT u.*, u.usage / u.exhausts_at AS share FROM entitlement_standing u WHERE ${condition}
       ORDER BY share DESC, u.entitlement_id LIMIT $5::bigint) u
     JOIN entitlement e ON e.id = u.entitlement_id JOIN customer c ON c.id = u.customer_id
     ORDER BY u.share DESC, u.entitlement_id`,
    [...values, limit],
  );
  const { rows: counts } = await queryable.query<{ n: number }>(
    `SELECT count(*) AS n FROM entitlement_standing u WHERE ${condition}`,
    values,
  );
  return { items: rows, count: counts[0]!.n };
};
