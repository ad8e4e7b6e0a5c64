import type { Queryable } from '../storage';
import type { Access, AccessPolicy } from './access-policy';
import { decideAccess } from './decide-access';
import { readGrounds } from './grounds-store';
import type { ObservedAccess, ObservedByPolicy, SeenConsumer } from './task-store';

export const accessStatuses = ['in', 'out', 'pending', 'failing'] as const;

export type AccessStatus = (typeof accessStatuses)[number];

/** Where one customer stands under one policy: what is wanted, what was seen, and since when. Times are epoch milliseconds. */
export interface AccessState {
  /** Position in the list. */
  cursor: string;
  policyId: string;
  featureKey: string;
  mode: AccessPolicy['mode'];
  gatewayId: string;
  gatewayKey: string;
  customerId: string;
  customerKey: string | null;
  customerName: string;
  wanted: Access | 'unmanaged';
  reason: string;
  observed: ObservedAccess['access'];
  status: AccessStatus;
  /** Since when it is observed so, and what caused it. */
  since: number | null;
  cause: string;
  observedAt: number | null;
  errorCode: string | null;
  error: string | null;
  errorSince: number | null;
  consumers: readonly Pick<SeenConsumer, 'id' | 'username'>[];
}

export interface StateFilter {
  gatewayId?: string | undefined;
  featureKey?: string | undefined;
  customerId?: string | undefined;
  status?: AccessStatus | undefined;
  /** Part of the customer's key or name. */
  search?: string | undefined;
}

/** By customer, or those whose access changed last first. */
export type StateOrder = 'customer' | 'newest';

interface StateRow {
  policy_id: string;
  feature_key: string;
  mode: AccessPolicy['mode'];
  gateway_id: string;
  gateway_key: string;
  customer_id: string;
  customer_key: string | null;
  customer_name: string;
  status: AccessStatus;
  cause: string;
  consumers: SeenConsumer[];
  observed: ObservedByPolicy;
  observed_at: number | null;
  error_code: string | null;
  error: string | null;
  error_since: number | null;
  since: number;
}

const separator = '.';

/** States after the cursor, in an order. */
export const readAccessStates = async (
  queryable: Queryable,
  filter: StateFilter,
  order: StateOrder,
  cursor: string | undefined,
  limit: number,
  now: number,
): Promise<AccessState[]> => {
  const { afterCustomer, afterPolicy, afterSince } = placeOf(cursor);
  const { rows } = await queryable.query<StateRow>(statements[order], [
    filter.gatewayId ?? null,
    filter.featureKey ?? null,
    filter.customerId ?? null,
    filter.search ?? null,
    afterCustomer,
    afterPolicy,
    filter.status ?? null,
    limit,
    ...(order === 'newest' ? [afterSince] : []),
  ]);
  const grounds = await readGrounds(
    queryable,
    [...new Set(rows.map((row) => row.customer_id))],
    [...new Set(rows.map((row) => row.feature_key))],
    now,
  );
  return rows.map((row) => {
    const own = grounds.get(row.customer_id)!;
    const decision = decideAccess(row.feature_key, own.groundsOf(row.feature_key));
    const observed = row.observed[row.policy_id];
    return {
      cursor: [row.customer_id, row.policy_id, row.since].join(separator),
      policyId: row.policy_id,
      featureKey: row.feature_key,
      mode: row.mode,
      gatewayId: row.gateway_id,
      gatewayKey: row.gateway_key,
      customerId: row.customer_id,
      customerKey: row.customer_key,
      customerName: row.customer_name,
      wanted: decision.access,
      reason: decision.reason,
      observed: observed?.access ?? 'unknown',
      status: row.status,
      since: observed?.since ?? null,
      cause: observed?.cause ?? row.cause,
      observedAt: row.observed_at,
      errorCode: row.error_code,
      error: row.error,
      errorSince: row.error_since,
      consumers: row.consumers.map(({ id, username }) => ({ id, username })),
    };
  });
};

const placeOf = (cursor: string | undefined) => {
  const [afterCustomer = '', afterPolicy = '', since = ''] = (cursor ?? '').split(separator);
  return { afterCustomer, afterPolicy, afterSince: /^\d{1,15}$/.test(since) ? Number(since) : null };
};

/** A gateway that fails makes failing whatever waits for it. */
const statusExpression = `CASE
    WHEN s.error_code IS NOT NULL THEN 'failing'
    WHEN s.due_at IS NOT NULL AND l.health->>'status' = 'failing' THEN 'failing'
    WHEN s.due_at IS NOT NULL THEN 'pending'
    WHEN s.observed->p.id->>'access' IN ('in', 'out') THEN s.observed->p.id->>'access'
    ELSE 'pending' END`;

/** How many customers stand where, under all policies that match. */
export interface AccessCounts {
  /** States: one a customer and policy. */
  states: Readonly<Record<AccessStatus, number>>;
  /** Customers that are out under at least one policy. */
  customersOut: number;
}

/** Counts states; it derives the status of each, so ask for it sparingly. */
export const countAccessStates = async (
  queryable: Queryable,
  filter: Omit<StateFilter, 'status'>,
): Promise<AccessCounts> => {
  const { rows } = await queryable.query<{ status: AccessStatus; states: number; customers: number }>(
    `SELECT status, count(*) AS states, count(DISTINCT customer_id) AS customers FROM (${statesQuery}) AS states
     GROUP BY status`,
    [filter.gatewayId ?? null, filter.featureKey ?? null, filter.customerId ?? null, filter.search ?? null],
  );
  const of = (status: AccessStatus) => rows.find((row) => row.status === status);
  return {
    states: {
      in: of('in')?.states ?? 0,
      out: of('out')?.states ?? 0,
      pending: of('pending')?.states ?? 0,
      failing: of('failing')?.states ?? 0,
    },
    customersOut: of('out')?.customers ?? 0,
  };
};

/** $1 gateway, $2 feature, $3 customer, $4 search. */
const statesQuery = `
    SELECT p.id AS policy_id, p.feature_key, p.mode, g.id AS gateway_id, g.key AS gateway_key, c.id AS customer_id,
      c.key AS customer_key, c.name AS customer_name, ${statusExpression} AS status, s.cause, s.consumers, s.observed,
      s.observed_at,
      COALESCE(s.error_code, CASE WHEN s.due_at IS NOT NULL THEN l.health->>'errorCode' END) AS error_code,
      COALESCE(s.error, CASE WHEN s.due_at IS NOT NULL THEN l.health->>'error' END) AS error, s.error_since,
      COALESCE((s.observed->p.id->>'since')::bigint, 0) AS since
    FROM access_state s
    JOIN access_policy p ON p.gateway_id = s.gateway_id
    JOIN gateway g ON g.id = s.gateway_id
    JOIN customer c ON c.id = s.customer_id
    LEFT JOIN gateway_lane l ON l.gateway_id = s.gateway_id
    WHERE ($1::text IS NULL OR s.gateway_id = $1) AND ($2::text IS NULL OR p.feature_key = $2)
      AND ($3::text IS NULL OR s.customer_id = $3)
      AND ($4::text IS NULL OR strpos(lower(concat_ws(' ', c.key, c.name)), lower($4)) > 0)
      AND (EXISTS (SELECT 1 FROM entitlement e WHERE e.feature_key = p.feature_key AND e.customer_id = c.id)
        OR EXISTS (SELECT 1 FROM reported_access r WHERE r.customer_id = c.id AND r.feature_key = p.feature_key)
        OR EXISTS (SELECT 1 FROM access_hold h WHERE h.customer_id = c.id AND h.feature_key = p.feature_key))`;

/** Besides: ($5, $6) the customer and policy after which to begin, $7 status, $8 limit, $9 the time after which to begin. */
const statements: Readonly<Record<StateOrder, string>> = {
  customer: `SELECT * FROM (${statesQuery} AND (s.customer_id, p.id) > ($5::text, $6::text)) AS states
    WHERE $7::text IS NULL OR status = $7
    ORDER BY customer_id, policy_id LIMIT $8::bigint`,
  newest: `SELECT * FROM (${statesQuery}) AS states
    WHERE ($7::text IS NULL OR status = $7)
      AND ($9::bigint IS NULL OR since < $9 OR (since = $9 AND (customer_id, policy_id) > ($5::text, $6::text)))
    ORDER BY since DESC, customer_id, policy_id LIMIT $8::bigint`,
};
