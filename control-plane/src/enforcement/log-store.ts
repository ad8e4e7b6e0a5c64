import type { Queryable } from '../storage';
import type { Access } from './access-policy';

/** The channel that tells the ids of new log entries. */
export const logChannel = 'tollgate_access_log';

export interface LoggedChange {
  group: string;
  action: 'add' | 'remove';
  /** What the gateway answered, or what stopped it. */
  answer: string;
}

/** One change of a consumer's access: made, found made, failed, or (`would`) left to be made by a policy that only observes. */
export interface AccessLogEntry {
  id: string;
  /** Epoch milliseconds. */
  at: number;
  gatewayId: string;
  gatewayKey: string;
  policyId: string;
  featureKey: string;
  customerId: string;
  customerKey: string | null;
  consumerId: string | null;
  /** The consumer's username. */
  consumer: string | null;
  access: Access;
  outcome: 'done' | 'already' | 'failed' | 'would';
  /** What decided: "entitled", "not_entitled", "hold", ... */
  reason: string;
  /** What made Tollgate look: "usage", "reset", "grant", "hold", "drift", ... */
  cause: string;
  causedAt: number;
  /** From the cause to the gateway's answer, milliseconds. */
  durationMs: number;
  /** The gateway's calls alone, milliseconds. */
  callMs: number;
  changes: readonly LoggedChange[];
  errorCode: string | null;
  error: string | null;
}

const columns = [
  'id',
  'at',
  'gateway_id',
  'gateway_key',
  'policy_id',
  'feature_key',
  'customer_id',
  'customer_key',
  'consumer_id',
  'consumer',
  'access',
  'outcome',
  'reason',
  'cause',
  'caused_at',
  'duration_ms',
  'call_ms',
  'changes',
  'error_code',
  'error',
] as const;

const bigints = new Set<string>(['at', 'caused_at', 'duration_ms', 'call_ms']);

const fieldOf = (column: string): keyof AccessLogEntry =>
  column.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()) as keyof AccessLogEntry;

/** How many entries one notification names; its payload is limited to 8,000 bytes. */
const idsInNotification = 200;

/** Writes entries and tells the listeners of every replica. */
export const appendLog = async (queryable: Queryable, entries: readonly AccessLogEntry[]): Promise<void> => {
  if (entries.length === 0) return;
  const values = columns.map((column) => {
    const field = fieldOf(column);
    if (bigints.has(column)) return queryable.arrays.bigint(entries.map((entry) => entry[field] as number));
    return queryable.arrays.text(
      entries.map((entry) =>
        column === 'changes' ? JSON.stringify(entry.changes) : (entry[field] as string | null),
      ),
    );
  });
  const types = columns.map((column, index) => `$${index + 1}::${bigints.has(column) ? 'bigint' : 'text'}[]`);
  const selected = columns.map((column) => (column === 'changes' ? 'changes::jsonb' : column));
  await queryable.query(
    `INSERT INTO access_log (${columns.join(', ')})
     SELECT ${selected.join(', ')} FROM unnest(${types.join(', ')}) AS e (${columns.join(', ')})`,
    values,
  );
  for (let start = 0; start < entries.length; start += idsInNotification) {
    const ids = entries.slice(start, start + idsInNotification).map(({ id }) => id);
    await queryable.query('SELECT pg_notify($1, $2)', [logChannel, ids.join(' ')]);
  }
};

type LogRow = Record<string, unknown>;

const entryOf = (row: LogRow): AccessLogEntry =>
  Object.fromEntries(columns.map((column) => [fieldOf(column), row[column]])) as unknown as AccessLogEntry;

export interface LogFilter {
  customerId?: string | undefined;
  gatewayId?: string | undefined;
  featureKey?: string | undefined;
  cause?: string | undefined;
  outcome?: string | undefined;
  /** Text of the consumer's username or the customer's key. */
  search?: string | undefined;
  from?: number | undefined;
  to?: number | undefined;
  /** Only entries with a greater id. */
  after?: string | undefined;
}

/** Entries from the newest back, before the entry `before`. */
export const readLog = async (
  queryable: Queryable,
  filter: LogFilter,
  before: string | undefined,
  limit: number,
): Promise<AccessLogEntry[]> => {
  const { rows } = await queryable.query<LogRow>(
    `SELECT * FROM access_log WHERE ($1::text IS NULL OR customer_id = $1) AND ($2::text IS NULL OR gateway_id = $2)
       AND ($3::text IS NULL OR feature_key = $3) AND ($4::text IS NULL OR cause = $4)
       AND ($5::text IS NULL OR outcome = $5)
       AND ($6::text IS NULL OR strpos(lower(concat_ws(' ', consumer, customer_key)), lower($6)) > 0)
       AND ($7::bigint IS NULL OR at >= $7) AND ($8::bigint IS NULL OR at < $8) AND ($9::text IS NULL OR id < $9)
       AND ($10::text IS NULL OR id > $10)
     ORDER BY id DESC LIMIT $11::bigint`,
    [
      filter.customerId ?? null,
      filter.gatewayId ?? null,
      filter.featureKey ?? null,
      filter.cause ?? null,
      filter.outcome ?? null,
      filter.search ?? null,
      filter.from ?? null,
      filter.to ?? null,
      before ?? null,
      filter.after ?? null,
      limit,
    ],
  );
  return rows.map(entryOf);
};

/**
 * Which of these losses of access the log has entries for, as "<customer id> <feature key> <instant>". An entry is always
 * younger than its cause, so only entries after the id `after` are looked at.
 */
export const outCausesOf = async (
  queryable: Queryable,
  causes: readonly { customerId: string; featureKey: string; causedAt: number }[],
  after: string,
): Promise<Set<string>> => {
  if (causes.length === 0) return new Set();
  const { arrays } = queryable;
  const { rows } = await queryable.query<{ customer_id: string; feature_key: string; caused_at: number }>(
    `SELECT DISTINCT l.customer_id, l.feature_key, l.caused_at
     FROM unnest($1::text[], $2::text[], $3::bigint[]) AS c (customer_id, feature_key, caused_at)
     JOIN access_log l ON l.customer_id = c.customer_id AND l.feature_key = c.feature_key
       AND l.caused_at = c.caused_at AND l.access = 'out' AND l.id > $4`,
    [
      arrays.text(causes.map(({ customerId }) => customerId)),
      arrays.text(causes.map(({ featureKey }) => featureKey)),
      arrays.bigint(causes.map(({ causedAt }) => causedAt)),
      after,
    ],
  );
  return new Set(rows.map((row) => `${row.customer_id} ${row.feature_key} ${row.caused_at}`));
};

/** Entries by id, oldest first. */
export const readLogEntries = async (
  queryable: Queryable,
  ids: readonly string[],
): Promise<AccessLogEntry[]> => {
  const { rows } = await queryable.query<LogRow>(
    'SELECT * FROM access_log WHERE id = ANY ($1::text[]) ORDER BY id',
    [queryable.arrays.text(ids)],
  );
  return rows.map(entryOf);
};

/** Entries after the entry `after`, oldest first. */
export const readLogAfter = async (
  queryable: Queryable,
  after: string,
  limit: number,
): Promise<AccessLogEntry[]> => {
  const { rows } = await queryable.query<LogRow>(
    'SELECT * FROM access_log WHERE id > $1 ORDER BY id LIMIT $2::bigint',
    [after, limit],
  );
  return rows.map(entryOf);
};

/**
 * Removes at most `limit` of the oldest entries, those from before an instant. Ids ascend with time, so only the oldest
 * `limit` are looked at: a call that finds nothing to remove costs as much whatever the size of the log.
 */
export const deleteOldestLog = async (
  queryable: Queryable,
  before: number,
  limit: number,
): Promise<number> => {
  const { rowCount } = await queryable.query(
    `DELETE FROM access_log WHERE at < $1::bigint
       AND id IN (SELECT id FROM access_log ORDER BY id LIMIT $2::bigint FOR UPDATE SKIP LOCKED) RETURNING id`,
    [before, limit],
  );
  return rowCount;
};
