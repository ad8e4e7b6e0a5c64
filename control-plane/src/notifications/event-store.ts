import type { Queryable, Transaction } from '../storage';
import type { Delivery, DeliveryAttempt, NewEvent, NotificationEvent } from './notification-event';
import { type Page, type PageRequest, pageClause, pageValues } from './page';
import { findRules } from './rule-store';

/**
 * Records events, and a delivery for each channel of their rules; an event that was told before is left out. Returns the
 * ids of the channels that have something to deliver.
 */
export const saveEvents = async (
  transaction: Transaction,
  events: readonly NewEvent[],
  now: number,
): Promise<string[]> => {
  if (events.length === 0) return [];
  const { arrays } = transaction;
  const { rows } = await transaction.query<{ id: string }>(
    `INSERT INTO notification_event (id, type, rule_id, created_at, once_key, feature_id, feature_key, subject_id,
       subject_key, payload, annotations)
     SELECT e.id, e.type, e.rule_id, e.created_at, e.once_key, e.feature_id, e.feature_key, e.subject_id, e.subject_key,
       e.payload, e.annotations::jsonb
     FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
         $9::text[], $10::text[], $11::text[])
       AS e (id, type, rule_id, created_at, once_key, feature_id, feature_key, subject_id, subject_key, payload, annotations)
     ON CONFLICT (once_key) DO NOTHING RETURNING id`,
    [
      arrays.text(events.map(({ id }) => id)),
      arrays.text(events.map(({ rule }) => rule.type)),
      arrays.text(events.map(({ rule }) => rule.id)),
      arrays.bigint(events.map(({ createdAt }) => createdAt)),
      arrays.text(events.map(({ onceKey }) => onceKey ?? null)),
      arrays.text(events.map(({ featureId }) => featureId ?? null)),
      arrays.text(events.map(({ featureKey }) => featureKey ?? null)),
      arrays.text(events.map(({ subjectId }) => subjectId ?? null)),
      arrays.text(events.map(({ subjectKey }) => subjectKey ?? null)),
      arrays.text(events.map(({ payload }) => JSON.stringify(payload))),
      arrays.text(events.map(({ annotations }) => JSON.stringify(annotations ?? {}))),
    ],
  );
  const recorded = new Set(rows.map((row) => row.id));
  const deliveries = events
    .filter(({ id }) => recorded.has(id))
    .flatMap(({ id, rule }) => rule.channels.map((channel) => ({ eventId: id, channelId: channel.id })));
  if (deliveries.length === 0) return [];
  await transaction.query(
    `INSERT INTO notification_delivery (event_id, channel_id, state, updated_at, due_at)
     SELECT d.event_id, d.channel_id, 'PENDING', $3::bigint, $3::bigint FROM unnest($1::text[], $2::text[]) AS d (event_id, channel_id)`,
    [
      arrays.text(deliveries.map(({ eventId }) => eventId)),
      arrays.text(deliveries.map(({ channelId }) => channelId)),
      now,
    ],
  );
  return [...new Set(deliveries.map(({ channelId }) => channelId))];
};

interface EventRow {
  id: string;
  type: NotificationEvent['type'];
  rule_id: string;
  created_at: number;
  payload: string;
  annotations: Record<string, unknown>;
}

const columns = 'id, type, rule_id, created_at, payload, annotations';

export type EventOrder = 'id' | 'createdAt';

const orderColumns = { id: 'id', createdAt: 'created_at' } as const;

export interface EventListRequest extends PageRequest<EventOrder> {
  /** Epoch milliseconds, both inclusive. */
  from: number | undefined;
  to: number | undefined;
  /** Ids or keys. */
  features: readonly string[] | undefined;
  subjects: readonly string[] | undefined;
  /** Ids. */
  rules: readonly string[] | undefined;
  channels: readonly string[] | undefined;
  /** Of at least one delivery. */
  states: readonly string[] | undefined;
}

export const listEvents = async (
  queryable: Queryable,
  request: EventListRequest,
): Promise<Page<NotificationEvent>> => {
  const filter = `WHERE created_at >= $1::bigint AND created_at <= $2::bigint
    AND ($3 OR feature_id = ANY ($4::text[]) OR feature_key = ANY ($4::text[]))
    AND ($5 OR subject_key = ANY ($6::text[]) OR subject_id = ANY ($6::text[]))
    AND ($7 OR rule_id = ANY ($8::text[]))
    AND ($9 OR EXISTS (SELECT 1 FROM notification_delivery d
      WHERE d.event_id = notification_event.id AND d.channel_id = ANY ($10::text[])))
    AND ($11 OR EXISTS (SELECT 1 FROM notification_delivery d
      WHERE d.event_id = notification_event.id AND d.state = ANY ($12::text[])))`;
  const { arrays } = queryable;
  const values = [
    request.from ?? 0,
    request.to ?? Number.MAX_SAFE_INTEGER,
    ...[request.features, request.subjects, request.rules, request.channels, request.states].flatMap(
      (list) => [list === undefined, arrays.text(list ?? [])],
    ),
  ];
  const { rows } = await queryable.query<EventRow>(
    `SELECT ${columns} FROM notification_event ${filter} ${pageClause(request, orderColumns, 13)}`,
    [...values, ...pageValues(request)],
  );
  const total = await queryable.query<{ n: number }>(
    `SELECT count(*) AS n FROM notification_event ${filter}`,
    values,
  );
  return { items: await withDeliveries(queryable, rows), totalCount: total.rows[0]!.n };
};

export const findEvent = async (queryable: Queryable, id: string): Promise<NotificationEvent | undefined> => {
  const { rows } = await queryable.query<EventRow>(
    `SELECT ${columns} FROM notification_event WHERE id = $1`,
    [id],
  );
  return (await withDeliveries(queryable, rows))[0];
};

type DeliveryRow = Omit<Delivery, 'attempts'> & { eventId: string };
type AttemptRow = DeliveryAttempt & { eventId: string; channelId: string };

const withDeliveries = async (
  queryable: Queryable,
  rows: readonly EventRow[],
): Promise<NotificationEvent[]> => {
  if (rows.length === 0) return [];
  const eventIds = [queryable.arrays.text(rows.map(({ id }) => id))];
  const rules = await findRules(queryable, [...new Set(rows.map((row) => row.rule_id))]);
  const deliveries = await queryable.query<DeliveryRow>(
    `SELECT event_id AS "eventId", channel_id AS "channelId", state, reason, updated_at AS "updatedAt",
       CASE WHEN is_in_flight THEN NULL ELSE due_at END AS "nextAttemptAt"
     FROM notification_delivery WHERE event_id = ANY ($1::text[]) ORDER BY event_id, channel_id`,
    eventIds,
  );
  const attempts = await queryable.query<AttemptRow>(
    `SELECT event_id AS "eventId", channel_id AS "channelId", state, status_code AS "statusCode", body,
       duration_ms AS "durationMs", url, at
     FROM notification_attempt WHERE event_id = ANY ($1::text[]) ORDER BY event_id, channel_id, number`,
    eventIds,
  );
  const attemptsOf = groupBy(attempts.rows, (row) => `${row.eventId} ${row.channelId}`);
  const deliveriesOf = groupBy(deliveries.rows, (row) => row.eventId);
  const ruleOf = new Map(rules.map((rule) => [rule.id, rule]));
  return rows.map((row) => ({
    id: row.id,
    type: row.type,
    createdAt: row.created_at,
    rule: ruleOf.get(row.rule_id)!,
    payload: JSON.parse(row.payload),
    annotations: row.annotations,
    deliveries: (deliveriesOf.get(row.id) ?? []).map(({ eventId, ...delivery }) => ({
      ...delivery,
      attempts: attemptsOf.get(`${eventId} ${delivery.channelId}`) ?? [],
    })),
  }));
};

const groupBy = <T>(rows: readonly T[], keyOf: (row: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group) group.push(row);
    else groups.set(keyOf(row), [row]);
  }
  return groups;
};

/**
 * Sends an event again over some of its channels: due at once, with the whole retry schedule before it. One that is in
 * flight or was never tried goes out anyway and is left alone. Returns the channels concerned.
 */
export const resendDeliveries = async (
  transaction: Transaction,
  eventId: string,
  channelIds: readonly string[],
  now: number,
): Promise<string[]> => {
  const { rows } = await transaction.query<{ channel_id: string }>(
    `UPDATE notification_delivery SET state = 'RESENDING', reason = 'sent again by hand', due_at = $3::bigint, tries = 0,
       updated_at = $3::bigint
     WHERE event_id = $1 AND channel_id = ANY ($2::text[]) AND NOT is_in_flight AND state <> 'PENDING'
     RETURNING channel_id`,
    [eventId, transaction.arrays.text(channelIds), now],
  );
  return rows.map((row) => row.channel_id);
};
