import { type Queryable, sharedDefinitionsLock, type Transaction } from '../storage';
import type { UsageEvent } from './usage-event';

export const weekMs = 604_800_000;
/** Sequence numbers a batch may use; the most events one transaction takes. */
export const batchStride = 16_384;

/** Around the change of week, batches follow one another, because a duplicate could hide in a week that is just being written. */
const weekChangeGuardMs = 60_000;
const weekChangeLock = 7_210_003;

export const weekOf = (receivedAt: number): number => Math.floor(receivedAt / weekMs);
const tableOf = (week: number): string => `event_${week}`;

/** What an ingest transaction knows from its first statement. */
export interface BatchStart {
  /** The sequence number of the first event of the batch. */
  firstSeq: number;
  /** The database's clock, epoch milliseconds. */
  receivedAt: number;
  week: number;
  definitions: number;
  /** Weeks in which a duplicate may stand, other than `week`. */
  otherWeeks: number[];
}

const startStatement = `SELECT ${sharedDefinitionsLock},
  nextval('event_batch') AS batch,
  (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS received_at`;

const factsStatement = `SELECT (SELECT version FROM catalog_version) AS definitions,
  (SELECT array_agg(week::bigint ORDER BY week) FROM event_week) AS weeks`;

/**
 * Begins an ingest transaction: takes the shared definitions lock, a range of sequence numbers and the storage week.
 * @param dedupWindowMs how long ago an event may have been received for its resend to be found
 */
export const beginBatch = async (transaction: Transaction, dedupWindowMs: number): Promise<BatchStart> => {
  const { rows } = await transaction.query<{ batch: number; received_at: number }>(startStatement);
  const { batch, received_at: receivedAt } = rows[0]!;
  const week = weekOf(receivedAt);
  const distance = Math.min(receivedAt - week * weekMs, (week + 1) * weekMs - receivedAt);
  if (distance < weekChangeGuardMs)
    await transaction.query(`SELECT pg_advisory_xact_lock(${weekChangeLock})`);

  // A statement of its own: its snapshot must be taken after the locks are held.
  const facts = (await transaction.query<{ definitions: number; weeks: number[] | null }>(factsStatement))
    .rows[0]!;
  const weeks = (facts.weeks ?? []).map(Number);
  if (!weeks.includes(week)) await createWeek(transaction, week, receivedAt);
  const oldest = weekOf(receivedAt - dedupWindowMs);
  return {
    firstSeq: batch * batchStride,
    receivedAt,
    week,
    definitions: facts.definitions,
    otherWeeks: weeks.filter((other) => other !== week && other >= oldest),
  };
};

/** Makes the table of a week. Creating it twice at the same time is settled by the advisory lock. */
export const createWeek = async (transaction: Transaction, week: number, now: number): Promise<void> => {
  const table = tableOf(week);
  await transaction.query('SELECT pg_advisory_xact_lock($1)', [weekChangeLock + week]);
  await transaction.query(`CREATE TABLE IF NOT EXISTS ${table} (
    seq bigint NOT NULL,
    received_at bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    time bigint NOT NULL,
    data text,
    attributes text,
    CONSTRAINT ${table}_identity UNIQUE (id, source)
  )`);
  await transaction.query(`CREATE INDEX IF NOT EXISTS ${table}_time ON ${table} (time, seq)`);
  await transaction.query(
    'INSERT INTO event_week (week, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING',
    [week, now],
  );
};

/** Texts of the insert, one a set of weeks; the set changes once a week. */
const insertStatements = new Map<string, string>();

const insertStatement = (week: number, otherWeeks: readonly number[]): string => {
  const key = `${week}:${otherWeeks.join(',')}`;
  let text = insertStatements.get(key);
  if (text === undefined) {
    const unseen = otherWeeks
      .map(
        (other) => `NOT EXISTS (SELECT 1 FROM ${tableOf(other)} o WHERE o.id = n.id AND o.source = n.source)`,
      )
      .join(' AND ');
    // The order is that of the locks; the planner may join in any other.
    text = `WITH stored AS (
      INSERT INTO ${tableOf(week)} (seq, received_at, id, source, type, subject, time, data, attributes)
      SELECT n.seq, $1::bigint, n.id, n.source, n.type, n.subject, n.time, n.data, n.attributes
      FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[])
        AS n (seq, id, source, type, subject, time, data, attributes)
      ${unseen ? `WHERE ${unseen}` : ''}
      ORDER BY n.id COLLATE "C", n.source COLLATE "C", n.seq
      ON CONFLICT (id, source) DO NOTHING
      RETURNING seq
    ) SELECT CASE WHEN count(*) = $10::bigint THEN NULL ELSE coalesce(array_agg(seq), '{}') END AS seqs FROM stored`;
    insertStatements.clear();
    insertStatements.set(key, text);
  }
  return text;
};

/**
 * Stores the events whose (source, id) is not known yet and returns the positions of those, or undefined when all are
 * new. Rows go in by (id, source), so that two batches that share events wait for each other instead of deadlocking; of
 * two equal events in one batch the earlier is the new one.
 */
export const storeEvents = async (
  transaction: Transaction,
  start: BatchStart,
  events: readonly UsageEvent[],
): Promise<Set<number> | undefined> => {
  const { arrays } = transaction;
  const { rows } = await transaction.query<{ seqs: number[] | null }>(
    insertStatement(start.week, start.otherWeeks),
    [
      start.receivedAt,
      arrays.bigint(events.map((_, position) => start.firstSeq + position)),
      arrays.text(events.map((event) => event.id)),
      arrays.text(events.map((event) => event.source)),
      arrays.text(events.map((event) => event.type)),
      arrays.text(events.map((event) => event.subject)),
      arrays.bigint(events.map((event) => event.time)),
      arrays.text(events.map((event) => event.dataText)),
      arrays.text(events.map((event) => event.attributesText)),
      events.length,
    ],
  );
  const seqs = rows[0]?.seqs;
  return seqs ? new Set(seqs.map((seq) => Number(seq) - start.firstSeq)) : undefined;
};

/** The storage weeks there are, oldest first. */
export const storedWeeks = async (queryable: Queryable): Promise<number[]> => {
  const { rows } = await queryable.query<{ week: number }>('SELECT week FROM event_week ORDER BY week');
  return rows.map((row) => row.week);
};
