import type { Queryable } from '../storage';
import { storedWeeks, weekOf } from './event-store';
import type { JsonObject } from './exact-json';
import { parseExactJson } from './exact-json';
import type { StoredEvent } from './usage-event';

export interface EventRow {
  seq: number;
  received_at: number;
  id: string;
  source: string;
  type: string;
  subject: string;
  time: number;
  data: string | null;
  attributes: string | null;
}

export const eventColumns = 'seq, received_at, id, source, type, subject, time, data, attributes';

export const storedEventOf = (row: EventRow): StoredEvent => ({
  seq: row.seq,
  receivedAt: row.received_at,
  id: row.id,
  source: row.source,
  type: row.type,
  subject: row.subject,
  time: row.time,
  data: row.data === null ? undefined : (parseExactJson(row.data).value as JsonObject),
  dataText: row.data,
  attributesText: row.attributes,
});

/**
 * The stored events of a type and of given subjects whose time is in [from, to), in the order of ingestion. Meant for
 * spans below a minute, which no rollup resolves; those whose raw events were dropped by retention read as empty.
 */
export const eventsBetween = async (
  queryable: Queryable,
  { type, subjects, from, to }: { type: string; subjects: readonly string[]; from: number; to: number },
): Promise<StoredEvent[]> => {
  // An event is received after it happened, or a little before where clocks differ.
  const weeks = (await storedWeeks(queryable)).filter((week) => week >= weekOf(from) - 1);
  if (weeks.length === 0 || from >= to) return [];
  const parts = weeks.map(
    (week) =>
      `SELECT ${eventColumns} FROM event_${week} WHERE time >= $1 AND time < $2 AND type = $3 AND subject = ANY ($4::text[])`,
  );
  const { rows } = await queryable.query<EventRow>(`${parts.join(' UNION ALL ')} ORDER BY seq`, [
    from,
    to,
    type,
    queryable.arrays.text(subjects),
  ]);
  return rows.map(storedEventOf);
};
