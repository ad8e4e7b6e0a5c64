import type { Queryable } from '../storage';
import type { JsonObject } from './exact-json';
import { parseExactJson } from './exact-json';
import type { StoredEvent } from './usage-event';
import { storedWeeks, weekOf } from './week-store';

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

/** A stored event and the storage week that it stands in. */
export interface PlacedEvent extends StoredEvent {
  week: number;
}

/** Which stored events are meant: those of a type, of given subjects or of all, whose time is in [from, to). */
export interface EventSpan {
  type: string;
  subjects: readonly string[] | undefined;
  from: number;
  to: number;
}

/** Events read in one go at most. */
const pageLimit = 5_000;

/** How far ahead of its receipt an event may be dated and still be looked for, in weeks. */
const aheadWeeks = 5;

/** The weeks in which events from a time on may stand: they are received after it, or before where clocks are wrong. */
export const weeksFrom = async (queryable: Queryable, from: number): Promise<number[]> =>
  (await storedWeeks(queryable)).filter((week) => from === -Infinity || week >= weekOf(from) - aheadWeeks);

const weeksOf = async (queryable: Queryable, { from, to }: EventSpan): Promise<number[]> =>
  from >= to ? [] : weeksFrom(queryable, from);

const spanCondition = ({ subjects }: EventSpan): string =>
  `time >= $1 AND time < $2 AND type = $3${subjects ? ' AND subject = ANY ($4::text[])' : ''}`;

/** Events that were taken back count for nothing. */
const countingCondition = (span: EventSpan): string => `${spanCondition(span)} AND canceled_at IS NULL`;

const spanValues = (queryable: Queryable, { from, to, type, subjects }: EventSpan): unknown[] => [
  from,
  to,
  type,
  ...(subjects ? [queryable.arrays.text(subjects)] : []),
];

/**
 * The events of many spans, each in the order of ingestion, with one statement. Meant for spans below a minute, which no
 * rollup resolves; those whose raw events were dropped by retention read as empty.
 */
export const eventsOfSpans = async (
  queryable: Queryable,
  spans: readonly (EventSpan & { subjects: readonly string[] })[],
): Promise<StoredEvent[][]> => {
  const found: StoredEvent[][] = spans.map(() => []);
  const wanted = spans.flatMap((span, index) =>
    span.subjects.map((subject) => ({ ...span, index, subject })),
  );
  if (wanted.length === 0) return found;
  const weeks = await weeksFrom(queryable, Math.min(...wanted.map(({ from }) => from)));
  if (weeks.length === 0) return found;
  const columns = eventColumns.split(', ').map((column) => `e.${column}`);
  // A span is looked for in the weeks in which its events may have come, not in all that any other span needs.
  // By time first, whatever the planner believes of a young table: OFFSET 0 keeps each span an index range of its own.
  const parts = weeks.map(
    (week) => `SELECT q.span, ${columns.join(', ')} FROM q
      CROSS JOIN LATERAL (SELECT * FROM event_${week} e WHERE e.time >= q.from_time AND e.time < q.to_time OFFSET 0) e
      WHERE q.first_week <= ${week} AND e.type = q.type AND e.subject = q.subject AND e.canceled_at IS NULL`,
  );
  const { arrays } = queryable;
  const { rows } = await queryable.query<EventRow & { span: number }>(
    `WITH q AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[],
       $6::text[]) AS q (span, first_week, from_time, to_time, type, subject))
     ${parts.join(' UNION ALL ')} ORDER BY seq`,
    [
      arrays.bigint(wanted.map(({ index }) => index)),
      arrays.bigint(wanted.map(({ from }) => weekOf(from) - aheadWeeks)),
      arrays.bigint(wanted.map(({ from }) => from)),
      arrays.bigint(wanted.map(({ to }) => to)),
      arrays.text(wanted.map(({ type }) => type)),
      arrays.text(wanted.map(({ subject }) => subject)),
    ],
  );
  for (const { span, ...row } of rows) found[span]!.push(storedEventOf(row));
  return found;
};

/** The events of a span in pages, by time, however many there are. */
export async function* eventPages(queryable: Queryable, span: EventSpan): AsyncGenerator<PlacedEvent[]> {
  for (const week of await weeksOf(queryable, span)) {
    let after = { time: span.from, seq: -1 };
    for (;;) {
      const values = [...spanValues(queryable, span), after.time, after.seq];
      const { rows } = await queryable.query<EventRow>(
        `SELECT ${eventColumns} FROM event_${week} WHERE ${countingCondition(span)}
           AND (time, seq) > ($${values.length - 1}::bigint, $${values.length}::bigint)
         ORDER BY time, seq LIMIT ${pageLimit}`,
        values,
      );
      if (rows.length > 0) yield rows.map((row) => ({ ...storedEventOf(row), week }));
      const last = rows.at(-1);
      if (rows.length < pageLimit || !last) break;
      after = { time: last.time, seq: last.seq };
    }
  }
}

/** Whether a span holds any event, those that were taken back included: the rollups may have been read before they were. */
export const hasEventsBetween = async (queryable: Queryable, span: EventSpan): Promise<boolean> => {
  const weeks = await weeksOf(queryable, span);
  if (weeks.length === 0) return false;
  const parts = weeks.map((week) => `EXISTS (SELECT 1 FROM event_${week} WHERE ${spanCondition(span)})`);
  const { rows } = await queryable.query<{ found: boolean }>(
    `SELECT ${parts.join(' OR ')} AS found`,
    spanValues(queryable, span),
  );
  return rows[0]!.found;
};
