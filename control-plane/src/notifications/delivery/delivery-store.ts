import type { Database } from '../../storage';

/** A delivery that this worker has taken, with all that sending it needs. */
export interface TakenDelivery {
  eventId: string;
  channelId: string;
  /** The number of this attempt, and the fence against a worker that outlived its lease. */
  takes: number;
  /** Attempts that ended before. */
  tries: number;
  isResend: boolean;
  payload: string;
  url: string;
  customHeaders: Record<string, string>;
  signingSecret: string;
  /** The channel takes deliveries. */
  isOpen: boolean;
}

/** How an attempt ended, as it is written. */
export interface FinishedDelivery {
  delivery: TakenDelivery;
  state: string;
  reason: string;
  /** Epoch milliseconds; null when nothing is left to do. */
  dueAt: number | null;
  /** Undefined when nothing was sent. */
  attempt?: {
    isSuccess: boolean;
    statusCode: number | undefined;
    body: string;
    durationMs: number;
    /** Epoch milliseconds of its beginning. */
    at: number;
  };
}

const takeStatement = `WITH due AS (
    SELECT d.event_id, d.channel_id
    FROM unnest($1::text[], $2::bigint[]) AS lane (channel_id, slots)
    CROSS JOIN LATERAL (
      SELECT event_id, channel_id FROM notification_delivery
      WHERE channel_id = lane.channel_id AND due_at <= $3::bigint
      ORDER BY due_at, event_id LIMIT lane.slots FOR UPDATE SKIP LOCKED
    ) d
  ), taken AS (
    UPDATE notification_delivery d
    SET state = CASE WHEN d.state = 'RESENDING' THEN 'RESENDING' ELSE 'SENDING' END,
      due_at = $4::bigint, is_in_flight = true, takes = d.takes + 1, updated_at = $3::bigint
    FROM due WHERE d.event_id = due.event_id AND d.channel_id = due.channel_id
    RETURNING d.event_id, d.channel_id, d.takes, d.tries, d.state
  )
  SELECT t.event_id AS "eventId", t.channel_id AS "channelId", t.takes, t.tries, t.state = 'RESENDING' AS "isResend",
    e.payload, c.url, c.custom_headers AS "customHeaders", c.signing_secret AS "signingSecret",
    NOT c.is_disabled AND c.deleted_at IS NULL AS "isOpen"
  FROM taken t JOIN notification_event e ON e.id = t.event_id JOIN notification_channel c ON c.id = t.channel_id
  ORDER BY t.event_id`;

/**
 * Takes due deliveries, oldest first, at most as many a channel as it has slots. They are this worker's until `leaseUntil`;
 * what it has not finished by then is due again. Those that another worker is taking at the moment are left out.
 */
export const takeDeliveries = async (
  database: Database,
  claims: readonly { channelId: string; slots: number }[],
  now: number,
  leaseUntil: number,
): Promise<TakenDelivery[]> => {
  const { rows } = await database.query<TakenDelivery>(takeStatement, [
    database.arrays.text(claims.map(({ channelId }) => channelId)),
    database.arrays.bigint(claims.map(({ slots }) => slots)),
    now,
    leaseUntil,
  ]);
  return rows;
};

/** One line a lane: the index on (channel_id, due_at) is skipped through from channel to channel. */
const dueStatement = `WITH RECURSIVE lane AS (
    (SELECT channel_id, due_at FROM notification_delivery WHERE due_at IS NOT NULL
     ORDER BY channel_id, due_at LIMIT 1)
    UNION ALL
    SELECT following.channel_id, following.due_at
    FROM lane CROSS JOIN LATERAL (
      SELECT channel_id, due_at FROM notification_delivery WHERE due_at IS NOT NULL AND channel_id > lane.channel_id
      ORDER BY channel_id, due_at LIMIT 1
    ) following
  )
  SELECT channel_id FROM lane WHERE due_at <= $1::bigint ORDER BY due_at LIMIT $2::bigint`;

/** The channels with due deliveries, those first that have waited longest; its cost grows with channels, not deliveries. */
export const dueChannels = async (database: Database, now: number, limit: number): Promise<string[]> => {
  const { rows } = await database.query<{ channel_id: string }>(dueStatement, [now, limit]);
  return rows.map((row) => row.channel_id);
};

const finishStatement = `WITH result AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::text[],
        $8::bigint[], $9::text[], $10::bigint[], $11::text[], $12::bigint[])
      AS r (event_id, channel_id, takes, state, reason, due_at, attempt_state, status_code, body, duration_ms, url, at)
  ), finished AS (
    UPDATE notification_delivery d SET state = r.state, reason = r.reason, due_at = r.due_at, is_in_flight = false,
      tries = d.tries + 1, updated_at = $13::bigint
    FROM result r WHERE d.event_id = r.event_id AND d.channel_id = r.channel_id AND d.takes = r.takes AND d.is_in_flight
  )
  INSERT INTO notification_attempt (event_id, channel_id, number, state, status_code, body, duration_ms, url, at)
  SELECT event_id, channel_id, takes, attempt_state, status_code, body, duration_ms, url, at
  FROM result WHERE attempt_state IS NOT NULL
  ON CONFLICT DO NOTHING`;

/** Writes how attempts ended. One that was taken again meanwhile is recorded, but decides nothing any more. */
export const finishDeliveries = async (
  database: Database,
  finished: readonly FinishedDelivery[],
  now: number,
): Promise<void> => {
  const { arrays } = database;
  await database.query(finishStatement, [
    arrays.text(finished.map(({ delivery }) => delivery.eventId)),
    arrays.text(finished.map(({ delivery }) => delivery.channelId)),
    arrays.bigint(finished.map(({ delivery }) => delivery.takes)),
    arrays.text(finished.map(({ state }) => state)),
    arrays.text(finished.map(({ reason }) => reason)),
    arrays.bigint(finished.map(({ dueAt }) => dueAt)),
    arrays.text(
      finished.map(({ attempt }) => attempt && (attempt.isSuccess ? 'SUCCESS' : 'FAILED')).map(orNull),
    ),
    arrays.bigint(finished.map(({ attempt }) => attempt?.statusCode).map(orNull)),
    arrays.text(finished.map(({ attempt }) => attempt?.body).map(orNull)),
    arrays.bigint(finished.map(({ attempt }) => attempt?.durationMs).map(orNull)),
    arrays.text(finished.map(({ delivery }) => delivery.url)),
    arrays.bigint(finished.map(({ attempt }) => attempt?.at).map(orNull)),
    now,
  ]);
};

const orNull = <T>(value: T | undefined): T | null => value ?? null;

/** Gives deliveries back that were taken and not sent to the end: they are due at once, for whoever comes first. */
export const releaseDeliveries = async (
  database: Database,
  deliveries: readonly TakenDelivery[],
  now: number,
): Promise<void> => {
  if (deliveries.length === 0) return;
  const { arrays } = database;
  await database.query(
    `UPDATE notification_delivery d SET due_at = $4::bigint, is_in_flight = false
     FROM unnest($1::text[], $2::text[], $3::bigint[]) AS r (event_id, channel_id, takes)
     WHERE d.event_id = r.event_id AND d.channel_id = r.channel_id AND d.takes = r.takes AND d.is_in_flight`,
    [
      arrays.text(deliveries.map(({ eventId }) => eventId)),
      arrays.text(deliveries.map(({ channelId }) => channelId)),
      arrays.bigint(deliveries.map(({ takes }) => takes)),
      now,
    ],
  );
};

/** Ends every lease: what a worker that is known to be gone had taken is due at once. */
export const endLeases = async (database: Database, now: number): Promise<void> => {
  await database.query(
    'UPDATE notification_delivery SET due_at = $1::bigint, is_in_flight = false WHERE due_at > $1::bigint AND is_in_flight',
    [now],
  );
};
