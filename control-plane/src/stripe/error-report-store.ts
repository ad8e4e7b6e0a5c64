import type { Queryable, Transaction } from '../storage';

/** Errors of one kind within one window, added up. */
export interface ErrorTally {
  /** Empty where there is no meter. */
  meterId: string;
  code: string;
  count: number;
  samples: { message: string; identifier: string }[];
}

/** Samples kept of each kind. */
export const sampleLimit = 5;

/** Adds to the tallies of a window, in the order of their keys, so that replicas wait for each other. */
export const addTallies = async (
  queryable: Queryable,
  windowStart: number,
  tallies: readonly ErrorTally[],
): Promise<void> => {
  const sorted = [...tallies].sort((a, b) => compare(a.meterId, b.meterId) || compare(a.code, b.code));
  const { arrays } = queryable;
  await queryable.query(
    `INSERT INTO stripe_meter_error AS e (window_start, meter_id, code, error_count, samples)
     SELECT $1::bigint, t.meter_id, t.code, t.error_count, t.samples::jsonb
     FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[]) AS t (meter_id, code, error_count, samples)
     ON CONFLICT (window_start, meter_id, code) DO UPDATE SET error_count = e.error_count + excluded.error_count,
       samples = jsonb_path_query_array(e.samples || excluded.samples, '$[0 to ${sampleLimit - 1}]')`,
    [
      windowStart,
      arrays.text(sorted.map(({ meterId }) => meterId)),
      arrays.text(sorted.map(({ code }) => code)),
      arrays.bigint(sorted.map(({ count }) => count)),
      arrays.text(sorted.map(({ samples }) => JSON.stringify(samples))),
    ],
  );
};

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Takes the tallies of windows that began before `before` off the table: whoever gets them reports them. */
export const takeTallies = async (
  transaction: Transaction,
  before: number,
): Promise<(ErrorTally & { windowStart: number })[]> => {
  const { rows } = await transaction.query<ErrorTally & { windowStart: number }>(
    `DELETE FROM stripe_meter_error WHERE window_start < $1 RETURNING window_start AS "windowStart", meter_id AS "meterId",
       code, error_count AS count, samples`,
    [before],
  );
  return rows.sort(
    (a, b) => a.windowStart - b.windowStart || compare(a.meterId, b.meterId) || compare(a.code, b.code),
  );
};

/** A report as GET /v2/core/events answers it. */
export interface StripeEvent {
  id: string;
  type: ReportType;
  meterId: string;
  createdAt: number;
  body: Record<string, unknown>;
}

export type ReportType = 'v1.billing.meter.error_report_triggered' | 'v1.billing.meter.no_meter_found';

export const insertStripeEvent = async (transaction: Transaction, event: StripeEvent): Promise<void> => {
  await transaction.query(
    'INSERT INTO stripe_event (id, type, meter_id, created_at, body) VALUES ($1, $2, $3, $4, $5::jsonb)',
    [event.id, event.type, event.meterId, event.createdAt, JSON.stringify(event.body)],
  );
};

export const findStripeEvent = async (queryable: Queryable, id: string): Promise<StripeEvent | undefined> =>
  (
    await queryable.query<StripeEvent>(
      'SELECT id, type, meter_id AS "meterId", created_at AS "createdAt", body FROM stripe_event WHERE id = $1',
      [id],
    )
  ).rows[0];

/** Reports, the newest first; ids ascend with time. */
export const listStripeEvents = async (
  queryable: Queryable,
  filter: { meterId: string | undefined; before: string | undefined; limit: number },
): Promise<StripeEvent[]> => {
  const { rows } = await queryable.query<StripeEvent>(
    `SELECT id, type, meter_id AS "meterId", created_at AS "createdAt", body FROM stripe_event
     WHERE ($1::text IS NULL OR meter_id = $1) AND ($2::text IS NULL OR id < $2) ORDER BY id DESC LIMIT $3::bigint`,
    [filter.meterId ?? null, filter.before ?? null, filter.limit],
  );
  return rows;
};

export const deleteStripeEvents = async (queryable: Queryable, before: number): Promise<void> => {
  await queryable.query('DELETE FROM stripe_event WHERE created_at < $1', [before]);
};
