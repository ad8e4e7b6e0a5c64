import type { Queryable, Transaction } from '../storage';
import type { Access } from './access-policy';
import type { KnownGroups } from './plan-memberships';

/** The channel on which replicas tell each other that a gateway has work. */
export const accessChannel = 'tollgate_access';

/** A consumer as it was seen last. */
export interface SeenConsumer {
  id: string;
  username: string | null;
  customId: string | null;
  groups: KnownGroups;
}

/** What a policy was seen to amount to, since when and why. Times are epoch milliseconds. */
export interface ObservedAccess {
  access: Access | 'partial' | 'unknown';
  since: number;
  cause: string;
  /** What an observing policy said last that it would do. */
  told: Access | null;
}

export type ObservedByPolicy = Readonly<Record<string, ObservedAccess>>;

/** A customer whose consumers on a gateway somebody must look at. */
export interface AccessTask {
  customerId: string;
  generation: number;
  attempts: number;
  cause: string;
  causedAt: number;
  consumers: readonly SeenConsumer[];
  observed: ObservedByPolicy;
  errorCode: string | null;
  errorSince: number | null;
}

interface TaskRow {
  customer_id: string;
  generation: number;
  attempts: number;
  cause: string;
  caused_at: number;
  consumers: SeenConsumer[];
  observed: ObservedByPolicy;
  error_code: string | null;
  error_since: number | null;
}

const taskOf = (row: TaskRow): AccessTask => ({
  customerId: row.customer_id,
  generation: row.generation,
  attempts: row.attempts,
  cause: row.cause,
  causedAt: row.caused_at,
  consumers: row.consumers,
  observed: row.observed,
  errorCode: row.error_code,
  errorSince: row.error_since,
});

const taskColumns =
  'customer_id, generation, attempts, cause, caused_at, consumers, observed, error_code, error_since';

/** A reason to look at a customer's consumers. */
export interface AccessCause {
  customerId: string;
  /** Null: whichever policies there are. */
  featureKey: string | null;
  cause: string;
}

/**
 * Makes the customers due on every gateway that has a policy for the feature, and tells the replicas at COMMIT. Returns
 * the gateways concerned.
 */
export const requestAccess = async (
  transaction: Transaction,
  causes: readonly AccessCause[],
  now: number,
): Promise<string[]> => {
  if (causes.length === 0) return [];
  const { rows } = await transaction.query<{ gateway_id: string }>(requestStatement, [
    transaction.arrays.text(causes.map(({ customerId }) => customerId)),
    transaction.arrays.text(causes.map(({ featureKey }) => featureKey)),
    transaction.arrays.text(causes.map(({ cause }) => cause)),
    now,
    accessChannel,
  ]);
  return rows.map((row) => row.gateway_id);
};

const requestStatement = `WITH due AS (
    INSERT INTO access_state (gateway_id, customer_id, due_at, cause, caused_at)
    SELECT DISTINCT ON (p.gateway_id, c.customer_id) p.gateway_id, c.customer_id, $4::bigint, c.cause, $4::bigint
    FROM unnest($1::text[], $2::text[], $3::text[]) AS c (customer_id, feature_key, cause)
    JOIN access_policy p ON c.feature_key IS NULL OR p.feature_key = c.feature_key
    ORDER BY p.gateway_id, c.customer_id
    ON CONFLICT (gateway_id, customer_id) DO UPDATE SET generation = access_state.generation + 1,
      due_at = excluded.due_at, attempts = 0, cause = excluded.cause, caused_at = excluded.caused_at
    RETURNING gateway_id)
  SELECT gateway_id, pg_notify($5, gateway_id) FROM (SELECT DISTINCT gateway_id FROM due) AS gateways`;

/** Makes every customer due that has, had or is refused the feature; when a policy is new or changed. */
export const requestAllOfFeature = async (
  transaction: Transaction,
  featureKey: string,
  gatewayId: string,
  cause: string,
  now: number,
): Promise<void> => {
  await transaction.query(
    `INSERT INTO access_state (gateway_id, customer_id, due_at, cause, caused_at)
     SELECT $2, customer_id, $4, $3, $4 FROM (
       SELECT customer_id FROM entitlement WHERE feature_key = $1
       UNION SELECT customer_id FROM reported_access WHERE feature_key = $1
       UNION SELECT customer_id FROM access_hold WHERE feature_key = $1) AS concerned
     ORDER BY customer_id
     ON CONFLICT (gateway_id, customer_id) DO UPDATE SET generation = access_state.generation + 1,
       due_at = excluded.due_at, attempts = 0, cause = excluded.cause, caused_at = excluded.caused_at`,
    [featureKey, gatewayId, cause, now],
  );
  await transaction.query('SELECT pg_notify($1, $2)', [accessChannel, gatewayId]);
};

/** The tasks that are due on a gateway, the oldest first, without those that are under way. */
export const dueTasks = async (
  queryable: Queryable,
  gatewayId: string,
  underWay: readonly string[],
  now: number,
  limit: number,
): Promise<AccessTask[]> => {
  const { rows } = await queryable.query<TaskRow>(
    `SELECT ${taskColumns} FROM access_state
     WHERE gateway_id = $1 AND due_at <= $2::bigint AND customer_id <> ALL ($3::text[])
     ORDER BY due_at, customer_id LIMIT $4::bigint`,
    [gatewayId, now, queryable.arrays.text(underWay), limit],
  );
  return rows.map(taskOf);
};

/** When the gateway's next task is due, epoch milliseconds. */
export const nextTaskAt = async (queryable: Queryable, gatewayId: string): Promise<number | undefined> => {
  const { rows } = await queryable.query<{ due: number | null }>(
    'SELECT min(due_at) AS due FROM access_state WHERE gateway_id = $1 AND due_at IS NOT NULL',
    [gatewayId],
  );
  return rows[0]?.due ?? undefined;
};

/** States of customers on a gateway, whether due or not. */
export const readStates = async (
  queryable: Queryable,
  gatewayId: string,
  customerIds: readonly string[],
): Promise<Map<string, AccessTask & { dueAt: number | null; observedAt: number | null }>> => {
  const { rows } = await queryable.query<TaskRow & { due_at: number | null; observed_at: number | null }>(
    `SELECT ${taskColumns}, due_at, observed_at FROM access_state
     WHERE gateway_id = $1 AND customer_id = ANY ($2::text[])`,
    [gatewayId, queryable.arrays.text(customerIds)],
  );
  return new Map(
    rows.map((row) => [row.customer_id, { ...taskOf(row), dueAt: row.due_at, observedAt: row.observed_at }]),
  );
};

/** What became of a task. */
export interface TaskResult {
  customerId: string;
  /** The generation that was worked on; a newer one stays due. */
  generation: number;
  consumers: readonly SeenConsumer[];
  observed: ObservedByPolicy;
  /** When to try again; null when all is as it should be. */
  retryAt: number | null;
  error: { code: string; message: string; since: number } | null;
}

export const saveResults = async (
  queryable: Queryable,
  gatewayId: string,
  results: readonly TaskResult[],
  now: number,
): Promise<void> => {
  const { arrays } = queryable;
  await queryable.query(saveStatement, [
    gatewayId,
    now,
    arrays.text(results.map(({ customerId }) => customerId)),
    arrays.bigint(results.map(({ generation }) => generation)),
    arrays.text(results.map(({ consumers }) => JSON.stringify(consumers))),
    arrays.text(results.map(({ observed }) => JSON.stringify(observed))),
    arrays.bigint(results.map(({ retryAt }) => retryAt)),
    arrays.text(results.map(({ error }) => error?.code ?? null)),
    arrays.text(results.map(({ error }) => error?.message ?? null)),
    arrays.bigint(results.map(({ error }) => error?.since ?? null)),
  ]);
};

const saveStatement = `UPDATE access_state AS s SET consumers = r.consumers::jsonb, observed = r.observed::jsonb,
    observed_at = $2::bigint, error_code = r.error_code, error = r.error, error_since = r.error_since,
    attempts = CASE WHEN r.retry_at IS NULL THEN 0 ELSE s.attempts + 1 END,
    due_at = CASE WHEN s.generation = r.generation THEN r.retry_at ELSE s.due_at END
  FROM unnest($3::text[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[], $10::bigint[])
    AS r (customer_id, generation, consumers, observed, retry_at, error_code, error, error_since)
  WHERE s.gateway_id = $1 AND s.customer_id = r.customer_id`;

/** What a sweep saw of a customer. */
export interface SweptState {
  customerId: string;
  /** Undefined when there was no state yet. */
  generation: number | undefined;
  consumers: readonly SeenConsumer[];
  observed: ObservedByPolicy;
  /** Why the customer is to be looked at; null when all is as it should be. */
  cause: string | null;
}

/**
 * Keeps what a sweep saw, and makes due what differs from what is wanted. States that were touched since the sweep read
 * them are left: their own change is newer than what the sweep saw.
 */
export const saveSwept = async (
  queryable: Queryable,
  gatewayId: string,
  swept: readonly SweptState[],
  now: number,
): Promise<void> => {
  const { arrays } = queryable;
  const ordered = [...swept].sort((a, b) => (a.customerId < b.customerId ? -1 : 1));
  await queryable.query(sweptStatement, [
    gatewayId,
    now,
    arrays.text(ordered.map(({ customerId }) => customerId)),
    arrays.bigint(ordered.map(({ generation }) => generation ?? 0)),
    arrays.text(ordered.map(({ consumers }) => JSON.stringify(consumers))),
    arrays.text(ordered.map(({ observed }) => JSON.stringify(observed))),
    arrays.text(ordered.map(({ cause }) => cause)),
  ]);
};

const sweptStatement = `INSERT INTO access_state AS s (gateway_id, customer_id, due_at, cause, caused_at, consumers,
    observed, observed_at)
  SELECT $1, r.customer_id, CASE WHEN r.cause IS NULL THEN NULL ELSE $2::bigint END, COALESCE(r.cause, 'sweep'),
    $2::bigint, r.consumers::jsonb, r.observed::jsonb, $2::bigint
  FROM unnest($3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[])
    AS r (customer_id, generation, consumers, observed, cause)
  ON CONFLICT (gateway_id, customer_id) DO UPDATE SET consumers = excluded.consumers, observed = excluded.observed,
    observed_at = excluded.observed_at,
    generation = CASE WHEN excluded.due_at IS NULL THEN s.generation ELSE s.generation + 1 END,
    due_at = excluded.due_at, attempts = 0,
    cause = CASE WHEN excluded.due_at IS NULL THEN s.cause ELSE excluded.cause END,
    caused_at = CASE WHEN excluded.due_at IS NULL THEN s.caused_at ELSE excluded.caused_at END,
    error_code = NULL, error = NULL, error_since = NULL
  WHERE (s.customer_id, s.generation) IN (SELECT * FROM unnest($3::text[], $4::bigint[]))
    AND (s.due_at IS NULL OR s.error_code = 'consumer_missing')`;
