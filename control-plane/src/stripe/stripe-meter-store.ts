import { type MeterRow, meterOf } from '../metering';
import type { Queryable, Transaction } from '../storage';
import { formulaOf, type StripeMeter } from './stripe-meter';

type Row = MeterRow & {
  customer_key: string | null;
  value_key: string | null;
  event_time_window: 'hour' | 'day' | null;
};

/** A meter of any aggregation, with the keys by which its events are read. */
export type MeterWithKeys = Omit<StripeMeter, 'formula'>;

const stripeMeterOf = (row: Row): StripeMeter => ({ ...withKeys(row), formula: formulaOf(row.aggregation)! });

const withKeys = (row: Row): MeterWithKeys => {
  const meter = meterOf(row);
  return {
    meter,
    countsFromSeq: row.counts_from_seq,
    isStripes: row.customer_key !== null,
    customerKey: row.customer_key ?? 'stripe_customer_id',
    valueKey: row.value_key ?? keyOf(meter.valueProperty) ?? 'value',
    eventTimeWindow: row.event_time_window,
  };
};

/** The payload key that a path of one step reads. */
const keyOf = (path: string | null): string | undefined => /^\$\.([A-Za-z_][\w-]*)$/.exec(path ?? '')?.[1];

const select = `SELECT m.*, s.customer_key, s.value_key, s.event_time_window
  FROM meter m LEFT JOIN stripe_meter s ON s.meter_id = m.id`;
const isStripeLike = `m.deleted_at IS NULL AND m.aggregation IN ('SUM', 'COUNT', 'LATEST')`;

export const insertStripeMeter = async (
  transaction: Transaction,
  meterId: string,
  {
    customerKey,
    valueKey,
    eventTimeWindow,
  }: Pick<StripeMeter, 'customerKey' | 'valueKey' | 'eventTimeWindow'>,
): Promise<void> => {
  await transaction.query(
    'INSERT INTO stripe_meter (meter_id, customer_key, value_key, event_time_window) VALUES ($1, $2, $3, $4)',
    [meterId, customerKey, valueKey, eventTimeWindow],
  );
};

/** A living meter whose formula Stripe knows; it need not be made through Stripe's API. */
export const findStripeMeter = async (queryable: Queryable, id: string): Promise<StripeMeter | undefined> => {
  const { rows } = await queryable.query<Row>(`${select} WHERE m.id = $1 AND ${isStripeLike}`, [id]);
  return rows[0] && stripeMeterOf(rows[0]);
};

/** The id of the active meter that was made through Stripe's API for an event name. */
export const activeMeterOfName = async (
  queryable: Queryable,
  eventName: string,
): Promise<string | undefined> => {
  const { rows } = await queryable.query<{ id: string }>(
    `SELECT m.id FROM meter m JOIN stripe_meter s ON s.meter_id = m.id
     WHERE m.event_type = $1 AND m.deleted_at IS NULL AND m.deactivated_at IS NULL LIMIT 1`,
    [eventName],
  );
  return rows[0]?.id;
};

/** Which of some slugs living meters have. */
export const takenSlugs = async (queryable: Queryable, slugs: readonly string[]): Promise<Set<string>> => {
  const { rows } = await queryable.query<{ slug: string }>(
    'SELECT slug FROM meter WHERE slug = ANY ($1::text[]) AND deleted_at IS NULL',
    [queryable.arrays.text(slugs)],
  );
  return new Set(rows.map((row) => row.slug));
};

/** Where a page of a list begins: after an object, or before one; at the beginning without any. */
export interface ListPage {
  limit: number;
  startingAfter: StripeMeter | undefined;
  endingBefore: StripeMeter | undefined;
}

/** A page of meters, the newest first, and one more where there are more. */
export const listStripeMeters = async (
  queryable: Queryable,
  status: 'active' | 'inactive' | undefined,
  { limit, startingAfter, endingBefore }: ListPage,
): Promise<StripeMeter[]> => {
  const place = startingAfter ?? endingBefore;
  const order = endingBefore ? 'ASC' : 'DESC';
  const conditions = [
    isStripeLike,
    ...(status === undefined ? [] : [`m.deactivated_at IS ${status === 'active' ? '' : 'NOT '}NULL`]),
    ...(place ? [`(m.created_at, m.id) ${endingBefore ? '>' : '<'} ($2::bigint, $3::text)`] : []),
  ];
  const { rows } = await queryable.query<Row>(
    `${select} WHERE ${conditions.join(' AND ')} ORDER BY m.created_at ${order}, m.id ${order} LIMIT $1::bigint`,
    [limit + 1, ...(place ? [place.meter.createdAt, place.meter.id] : [])],
  );
  return rows.map(stripeMeterOf);
};

/** Every living meter, of any aggregation, with the keys by which its events are read; newest first. */
export const allMetersWithKeys = async (queryable: Queryable): Promise<MeterWithKeys[]> => {
  const { rows } = await queryable.query<Row>(
    `${select} WHERE m.deleted_at IS NULL ORDER BY m.created_at DESC, m.id DESC`,
  );
  return rows.map(withKeys);
};
