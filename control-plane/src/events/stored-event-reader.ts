import type { Queryable } from '../storage';
import { type EventRow, eventColumns, storedEventOf } from './raw-event-reader';
import type { StoredEvent } from './usage-event';
import { storedWeeks } from './week-store';

/** The first stored week at or after the given one. */
export const nextStoredWeek = async (queryable: Queryable, week: number): Promise<number | undefined> =>
  (await storedWeeks(queryable)).find((stored) => stored >= week);

export interface StoredEventPage {
  events: StoredEvent[];
  /** Where the next page begins; undefined at the end of the week. */
  last: { time: number; seq: number } | undefined;
}

/**
 * The next page of a week's events by (time, seq). The limit bounds the events looked at, whatever their type, so that a
 * page costs the same where few match.
 * @param beforeSeq events from this sequence number on are left out
 */
export const eventsAfter = async (
  queryable: Queryable,
  week: number,
  after: { time: number; seq: number },
  limit: number,
  { type, beforeSeq }: { type: string; beforeSeq: number },
): Promise<StoredEventPage> => {
  const { rows } = await queryable.query<EventRow>(
    `WITH page AS MATERIALIZED (
       SELECT ${eventColumns} FROM event_${week}
       WHERE (time, seq) > ($1::bigint, $2::bigint) AND seq < $4::bigint AND canceled_at IS NULL
       ORDER BY time, seq LIMIT ${limit}
     )
     SELECT * FROM page
     WHERE type = $3 OR (time, seq) = (SELECT time, seq FROM page ORDER BY time DESC, seq DESC LIMIT 1)
     ORDER BY time, seq`,
    [after.time, after.seq, type, beforeSeq],
  );
  const last = rows.at(-1);
  return {
    events: rows.filter((row) => row.type === type).map(storedEventOf),
    last: last && { time: last.time, seq: last.seq },
  };
};

/** Which part of the stored events lies before a place, 0 to 1: whole weeks, and within one the span of times. */
export const weekProgress = async (queryable: Queryable, week: number, time: number): Promise<number> => {
  const weeks = await storedWeeks(queryable);
  const done = weeks.filter((stored) => stored < week).length;
  if (!weeks.includes(week)) return weeks.length === 0 ? 1 : done / weeks.length;
  const { rows } = await queryable.query<{ first: number | null; last: number | null }>(
    `SELECT min(time) AS first, max(time) AS last FROM event_${week}`,
  );
  const { first, last } = rows[0]!;
  const part = first === null || last === null || last === first ? 0 : (time - first) / (last - first);
  return (done + Math.min(1, Math.max(0, part))) / weeks.length;
};
