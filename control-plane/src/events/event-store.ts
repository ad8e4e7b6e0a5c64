import { sharedDefinitionsLock, type Transaction } from '../storage';
import type { UsageEvent } from './usage-event';
import { hashIdentity, type WeekFilter } from './week-filter';
import type { FilterOfWeek } from './week-filters';
import { tableOf, weekOf } from './week-store';

/** Sequence numbers a batch may use; the most events one transaction takes. */
export const batchStride = 16_384;

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

/** The storage week of the present is not there yet: {@link openWeek} makes it, and the batch is begun again. */
export class WeekNotOpenError extends Error {
  constructor(
    readonly week: number,
    readonly receivedAt: number,
  ) {
    super(`the storage week ${week} is not open`);
    this.name = 'WeekNotOpenError';
  }
}

/**
 * Begins an ingest transaction: takes the shared definitions lock, a range of sequence numbers and the storage week, which
 * is the newest there is, even where the clock has gone back behind it.
 * @param dedupWindowMs how long ago an event may have been received for its resend to be found
 * @throws WeekNotOpenError
 */
export const beginBatch = async (transaction: Transaction, dedupWindowMs: number): Promise<BatchStart> => {
  const { rows } = await transaction.query<{ batch: number; received_at: number }>(startStatement);
  const { batch, received_at: receivedAt } = rows[0]!;
  // A statement of its own: its snapshot must be taken after the lock is held.
  const facts = (await transaction.query<{ definitions: number; weeks: number[] | null }>(factsStatement))
    .rows[0]!;
  const weeks = (facts.weeks ?? []).map(Number);
  const newest = weeks.at(-1);
  const present = weekOf(receivedAt);
  if (newest === undefined || newest < present) throw new WeekNotOpenError(present, receivedAt);
  const oldest = weekOf(receivedAt - dedupWindowMs);
  return {
    firstSeq: batch * batchStride,
    receivedAt,
    week: newest,
    definitions: facts.definitions,
    otherWeeks: weeks.filter((other) => other !== newest && other >= oldest),
  };
};

/** Texts of the insert, one a set of weeks; the set changes once a week. */
const insertStatements = new Map<string, string>();

/** A look into the unique index of a week; as a scalar subquery, which no planner turns into a scan of the week. */
const isAbsent = (week: number): string =>
  `(SELECT true FROM ${tableOf(week)} o WHERE o.id = n.id AND o.source = n.source LIMIT 1) IS NULL`;

/**
 * @param searched weeks in which every event is looked up
 * @param filtered weeks in which only those that a filter does not rule out are
 */
const insertStatement = (week: number, searched: readonly number[], filtered: readonly number[]): string => {
  const key = `${week}:${searched.join(',')}:${filtered.join(',')}`;
  let text = insertStatements.get(key);
  if (text === undefined) {
    const conditions = searched.map(isAbsent);
    if (filtered.length > 0) conditions.push(`(n.suspect = 0 OR (${filtered.map(isAbsent).join(' AND ')}))`);
    // The order is that of the locks: of two batches that share events, one waits for the other.
    text = `WITH stored AS (
      INSERT INTO ${tableOf(week)} (seq, received_at, id, source, type, subject, time, data, attributes)
      SELECT n.seq, $1::bigint, n.id, n.source, n.type, n.subject, n.time, n.data, n.attributes
      FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[],
        $10::bigint[]) AS n (seq, id, source, type, subject, time, data, attributes, suspect)
      ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''}
      ORDER BY n.id COLLATE "C", n.source COLLATE "C", n.seq
      ON CONFLICT (id, source) DO NOTHING
      RETURNING seq
    ) SELECT CASE WHEN count(*) = $11::bigint THEN NULL ELSE coalesce(array_agg(seq), '{}') END AS seqs FROM stored`;
    insertStatements.clear();
    insertStatements.set(key, text);
  }
  return text;
};

/** 1 for each event that one of the filters does not rule out. */
const suspectsOf = (events: readonly UsageEvent[], filters: readonly WeekFilter[]): number[] =>
  events.map(({ id, source }) => {
    if (filters.length === 0) return 0;
    const identity = hashIdentity(id, source);
    return filters.some((filter) => filter.mayHold(identity)) ? 1 : 0;
  });

/**
 * Stores the events whose (source, id) is not known yet and returns the positions of those, or undefined when all are
 * new. Rows go in by (id, source), so that two batches that share events wait for each other instead of deadlocking; of
 * two equal events in one batch the earlier is the new one.
 */
export const storeEvents = async (
  transaction: Transaction,
  start: BatchStart,
  events: readonly UsageEvent[],
  filterOf: FilterOfWeek,
): Promise<Set<number> | undefined> => {
  const filtered = start.otherWeeks.filter((week) => filterOf(week));
  const searched = start.otherWeeks.filter((week) => !filtered.includes(week));
  const { arrays } = transaction;
  const { rows } = await transaction.query<{ seqs: number[] | null }>(
    insertStatement(start.week, searched, filtered),
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
      arrays.bigint(
        suspectsOf(
          events,
          filtered.map((week) => filterOf(week)!),
        ),
      ),
      events.length,
    ],
  );
  const seqs = rows[0]?.seqs;
  return seqs ? new Set(seqs.map((seq) => Number(seq) - start.firstSeq)) : undefined;
};
