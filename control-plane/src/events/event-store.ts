import { type Queryable, sharedDefinitionsLock, type Transaction } from '../storage';
import type { UsageEvent } from './usage-event';
import { hashIdentity, type WeekFilter } from './week-filter';
import type { FilterOfWeek } from './week-filters';
import { tableOf, weekMs, weekOf } from './week-store';

/** Sequence numbers a batch may use; the most events one transaction takes. */
export const batchStride = 16_384;

const allWeeks = `(SELECT array_agg(week::bigint ORDER BY week) FROM event_week)`;
const databaseClock = `(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;

/**
 * What decides how a batch is stored and counted, read ahead of its transaction so that all of its statements can be sent
 * together. The transaction checks that it still holds.
 */
export interface BatchPlan {
  /** The version of the definitions. */
  definitions: number;
  /** All storage weeks there are, oldest first. */
  weeks: readonly number[];
  /** The newest one, into which events go. */
  week: number;
  /** Weeks in which a duplicate may stand, other than `week`. */
  otherWeeks: readonly number[];
  /** Receipt in [validFrom, validUntil), epoch milliseconds by the database's clock, is what the weeks were chosen for. */
  validFrom: number;
  validUntil: number;
}

/** The storage week of the present is not there yet: {@link openWeek} makes it, and the batch is planned again. */
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
 * Plans batches. Events go into the newest week there is, even where the clock has gone back behind it.
 * @param dedupWindowMs how long ago an event may have been received for its resend to be found
 * @throws WeekNotOpenError
 */
export const planBatches = async (queryable: Queryable, dedupWindowMs: number): Promise<BatchPlan> => {
  const { rows } = await queryable.query<{
    definitions: number;
    weeks: number[] | null;
    received_at: number;
  }>(
    `SELECT (SELECT version FROM catalog_version) AS definitions, ${allWeeks} AS weeks, ${databaseClock} AS received_at`,
  );
  const { definitions, received_at: receivedAt } = rows[0]!;
  const weeks = (rows[0]!.weeks ?? []).map(Number);
  const week = weeks.at(-1);
  const present = weekOf(receivedAt);
  if (week === undefined || week < present) throw new WeekNotOpenError(present, receivedAt);
  const oldest = weekOf(receivedAt - dedupWindowMs);
  return {
    definitions,
    weeks,
    week,
    otherWeeks: weeks.filter((other) => other !== week && other >= oldest),
    // Later receipt needs fewer weeks; looking into one more does no harm.
    validFrom: oldest * weekMs + dedupWindowMs,
    validUntil: (week + 1) * weekMs,
  };
};

/**
 * Holds in the statements of a transaction that follow {@link storeEvents} when the plan held and all events were new. They
 * can so be sent before that is known: what they would add is added only then.
 */
export const batchIsWhole = `current_setting('tollgate.batch', true) = 'whole'`;

const takeSharedLock = `SELECT ${sharedDefinitionsLock}`;

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
    text = `WITH started AS MATERIALIZED (
      SELECT nextval('event_batch') * ${batchStride} AS first_seq, ${databaseClock} AS received_at
    ), planned AS MATERIALIZED (
      SELECT first_seq, received_at,
        (SELECT version FROM catalog_version) = $1::bigint AND ${allWeeks} = $2::bigint[]
          AND received_at >= $3::bigint AND received_at < $4::bigint AS holds
      FROM started
    ), stored AS (
      INSERT INTO ${tableOf(week)} (seq, received_at, id, source, type, subject, time, data, attributes)
      SELECT (SELECT first_seq FROM planned) + n.position - 1, (SELECT received_at FROM planned),
        n.id, n.source, n.type, n.subject, n.time, n.data, n.attributes
      FROM unnest($5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::text[], $11::text[], $12::bigint[])
        WITH ORDINALITY AS n (id, source, type, subject, time, data, attributes, suspect, position)
      WHERE ${['(SELECT holds FROM planned)', ...conditions].join(' AND ')}
      ORDER BY n.id COLLATE "C", n.source COLLATE "C", n.position
      ON CONFLICT (id, source) DO NOTHING
      RETURNING seq
    ), fresh AS MATERIALIZED (
      SELECT CASE WHEN count(*) = $13::bigint THEN NULL ELSE coalesce(array_agg(seq), '{}') END AS seqs FROM stored
    ) SELECT holds, first_seq, seqs,
      set_config('tollgate.batch', CASE WHEN holds AND seqs IS NULL THEN 'whole' ELSE 'part' END, true) AS batch
    FROM planned, fresh`;
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

/** What became of a batch whose plan held. */
export interface StoredBatch {
  /** The sequence number of its first event; the others follow by position. */
  firstSeq: number;
  /** The positions of the events that are new; undefined when all are. */
  fresh: ReadonlySet<number> | undefined;
}

/**
 * Stores the events whose (source, id) is not known yet; undefined, and nothing stored, when the plan no longer holds. It
 * holds the shared definitions lock, so that what it was planned by stays true until the transaction ends. Rows go in by
 * (id, source), so that two batches that share events wait for each other instead of deadlocking; of two equal events in
 * one batch the earlier is the new one.
 */
export const storeEvents = async (
  transaction: Transaction,
  plan: BatchPlan,
  events: readonly UsageEvent[],
  filterOf: FilterOfWeek,
): Promise<StoredBatch | undefined> => {
  const filtered = plan.otherWeeks.filter((week) => filterOf(week));
  const searched = plan.otherWeeks.filter((week) => !filtered.includes(week));
  const { arrays } = transaction;
  const [, { rows }] = await Promise.all([
    // A statement of its own: the snapshot of the next one must be taken after the lock is held.
    transaction.query(takeSharedLock),
    transaction.query<{ holds: boolean; first_seq: number; seqs: number[] | null }>(
      insertStatement(plan.week, searched, filtered),
      [
        plan.definitions,
        arrays.bigint(plan.weeks),
        plan.validFrom,
        plan.validUntil,
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
    ),
  ]);
  const { holds, first_seq: firstSeq, seqs } = rows[0]!;
  if (!holds) return undefined;
  return { firstSeq, fresh: seqs ? new Set(seqs.map((seq) => Number(seq) - firstSeq)) : undefined };
};
