import type { Queryable } from '../storage';
import { type EventRow, eventColumns, storedEventOf, weeksFrom } from './raw-event-reader';
import type { StoredEvent } from './usage-event';

/** A condition on a text attribute; all operators of one object must hold. LIKE patterns know `%` and `_`, no escapes. */
export interface AttributeFilter {
  $eq?: string;
  $ne?: string;
  $in?: string[];
  $nin?: string[];
  $like?: string;
  $nlike?: string;
  $ilike?: string;
  $nilike?: string;
  $gt?: string;
  $gte?: string;
  $lt?: string;
  $lte?: string;
  $and?: AttributeFilter[];
  $or?: AttributeFilter[];
}

/** A condition on a time, epoch milliseconds. */
export interface InstantFilter {
  $gt?: number;
  $gte?: number;
  $lt?: number;
  $lte?: number;
  $and?: InstantFilter[];
  $or?: InstantFilter[];
}

/** Which events to list; all conditions must hold. */
export interface EventListFilter {
  id?: AttributeFilter;
  source?: AttributeFilter;
  type?: AttributeFilter;
  subject?: AttributeFilter;
  time?: InstantFilter;
  ingestedAt?: InstantFilter;
  /** A part of the id. */
  idPart?: string;
  /** Only these subjects, beside what `subject` says. */
  subjects?: readonly string[];
}

/** A place in the list: after the event with this time and sequence number. */
export interface EventCursor {
  time: number;
  seq: number;
}

/** Builds conditions and collects their values as $1, $2, ... */
const createConditions = (queryable: Queryable) => {
  const values: unknown[] = [];
  const add = (value: unknown, type: string): string => {
    values.push(value);
    return `$${values.length}::${type}`;
  };
  const list = (items: readonly string[]) => add(queryable.arrays.text(items), 'text[]');

  const comparison = (operator: string, left: string, operand: unknown): string => {
    switch (operator) {
      case '$in':
        return `${left} = ANY (${list(operand as string[])})`;
      case '$nin':
        return `${left} <> ALL (${list(operand as string[])})`;
      case '$and':
        return all(operand as AttributeFilter[], left);
      case '$or':
        return `(${(operand as AttributeFilter[]).map((part) => filter(part, left)).join(' OR ') || 'false'})`;
      default: {
        const type = typeof operand === 'number' ? 'bigint' : 'text';
        const value = add(operand, type);
        return `${left} ${comparisons[operator]} ${value}${operator.endsWith('like') ? ` ESCAPE ''` : ''}`;
      }
    }
  };
  const all = (parts: readonly (AttributeFilter | InstantFilter)[], left: string): string =>
    `(${parts.map((part) => filter(part, left)).join(' AND ') || 'true'})`;
  const filter = (condition: AttributeFilter | InstantFilter, left: string): string =>
    `(${
      Object.entries(condition)
        .map(([operator, operand]) => comparison(operator, left, operand))
        .join(' AND ') || 'true'
    })`;

  return { values, add, list, filter };
};

const comparisons: Readonly<Record<string, string>> = {
  $eq: '=',
  $ne: '<>',
  $gt: '>',
  $gte: '>=',
  $lt: '<',
  $lte: '<=',
  $like: 'LIKE',
  $nlike: 'NOT LIKE',
  $ilike: 'ILIKE',
  $nilike: 'NOT ILIKE',
};

const columns = {
  id: 'id',
  source: 'source',
  type: 'type',
  subject: 'subject',
  time: 'time',
  ingestedAt: 'received_at',
} as const;

/** The earliest instant that a filter lets pass, as far as its own bounds tell. */
const lowerBound = ({ $gt, $gte, $and = [] }: InstantFilter): number =>
  Math.max($gt ?? -Infinity, $gte ?? -Infinity, ...$and.map(lowerBound));

/**
 * Lists stored events, the latest first; of equal times the one ingested last first.
 * @param after where to go on; undefined for the beginning
 * @param limit events returned at most
 */
export const listEvents = async (
  queryable: Queryable,
  filter: EventListFilter,
  after: EventCursor | undefined,
  limit: number,
): Promise<StoredEvent[]> => {
  if (filter.subjects?.length === 0) return [];
  const earliest = Math.max(lowerBound(filter.time ?? {}), lowerBound(filter.ingestedAt ?? {}));
  const weeks = await weeksFrom(queryable, earliest);
  if (weeks.length === 0) return [];
  const conditions = createConditions(queryable);
  // What was taken back never happened.
  const parts: string[] = ['canceled_at IS NULL'];
  for (const [name, column] of Object.entries(columns)) {
    const condition = filter[name as keyof typeof columns];
    if (condition) parts.push(conditions.filter(condition, column));
  }
  if (filter.idPart !== undefined) parts.push(`position(${conditions.add(filter.idPart, 'text')} in id) > 0`);
  if (filter.subjects) parts.push(`subject = ANY (${conditions.list(filter.subjects)})`);
  if (after)
    parts.push(
      `(time, seq) < (${conditions.add(after.time, 'bigint')}, ${conditions.add(after.seq, 'bigint')})`,
    );
  const where = `WHERE ${parts.join(' AND ')}`;
  const most = conditions.add(limit, 'bigint');
  const order = `ORDER BY time DESC, seq DESC LIMIT ${most}`;
  const { rows } = await queryable.query<EventRow>(
    `SELECT * FROM (${weeks
      .map((week) => `(SELECT ${eventColumns} FROM event_${week} ${where} ${order})`)
      .join(' UNION ALL ')}) events ${order}`,
    conditions.values,
  );
  return rows.map(storedEventOf);
};
