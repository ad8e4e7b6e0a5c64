import {
  cachedByVersion,
  type Queryable,
  type RowSearch,
  type SearchSource,
  searchRows,
  type Transaction,
} from '../storage';
import { type BackfillRow, pendingOf } from './backfill/backfill';
import type { MetersByType } from './count-events';
import { compilePath } from './json-path';
import type { Aggregation, CompiledMeter, Meter, MeterPause } from './meter';
import type { MeterChange, MeterDraft } from './meter-definition';

/** A row of the table `meter`. */
export interface MeterRow {
  id: string;
  number: number;
  slug: string;
  name: string | null;
  description: string | null;
  aggregation: Aggregation;
  event_type: string;
  event_from: number | null;
  value_property: string | null;
  group_by: Record<string, string>;
  metadata: Record<string, string>;
  counts_from_seq: number;
  backfilled_to_seq: number;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
  deactivated_at: number | null;
  pauses: MeterPause[];
  /** What is being counted for it, where it was asked for. */
  backfill?: BackfillRow | null;
}

export const meterOf = (row: MeterRow): Meter => ({
  id: row.id,
  number: row.number,
  slug: row.slug,
  name: row.name,
  description: row.description,
  aggregation: row.aggregation,
  eventType: row.event_type,
  eventFrom: row.event_from,
  valueProperty: row.value_property,
  groupBy: row.group_by,
  metadata: row.metadata,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  deletedAt: row.deleted_at,
  deactivatedAt: row.deactivated_at,
  pauses: row.pauses,
  pending: row.backfill ? pendingOf(row.backfill) : undefined,
});

export const compileMeter = (meter: Meter, countsFromSeq: number): CompiledMeter => {
  const groupKeys = Object.keys(meter.groupBy).sort();
  return {
    meter,
    groupKeys,
    groupReaders: groupKeys.map((key) => compilePath(meter.groupBy[key]!)),
    valueReader: meter.valueProperty === null ? undefined : compilePath(meter.valueProperty),
    keyPrefix: [meter.number, ...groupKeys].join('\u0001'),
    countsFromSeq,
  };
};

/** A meter, and what is being counted for it. */
const selectMeters = `SELECT m.*, to_jsonb(b) AS backfill FROM meter m LEFT JOIN meter_backfill b ON b.meter_id = m.id`;

/**
 * The meter as it will be when it is grouped anew; undefined when it is not. Ingest counts by both until then. Its id is
 * no meter's, so that no feature's usage is counted twice.
 */
export const regroupedMeter = (meter: Meter): CompiledMeter | undefined => {
  const { pending } = meter;
  if (!pending || pending.number === meter.number) return undefined;
  const regrouped = {
    ...meter,
    id: `${meter.id}#regrouped`,
    number: pending.number,
    groupBy: pending.groupBy,
  };
  return compileMeter(regrouped, pending.countsFromSeq);
};

/** The meters that count now, by event type; loaded once a version of the definitions. */
export const createMeterRegistry = () =>
  cachedByVersion(async (queryable: Queryable): Promise<MetersByType> => {
    const { rows } = await queryable.query<MeterRow>(
      `${selectMeters} WHERE m.deleted_at IS NULL AND m.deactivated_at IS NULL ORDER BY m.number`,
    );
    const byType = new Map<string, CompiledMeter[]>();
    for (const row of rows) {
      const meter = meterOf(row);
      const regrouped = regroupedMeter(meter);
      byType.set(meter.eventType, [
        ...(byType.get(meter.eventType) ?? []),
        compileMeter(meter, row.counts_from_seq),
        ...(regrouped ? [regrouped] : []),
      ]);
    }
    return byType;
  });

export type MeterRegistry = ReturnType<typeof createMeterRegistry>;

/** A meter by its id, or a living one by its slug; an id wins. Deleted meters are found by neither. */
export const findMeter = async (queryable: Queryable, idOrSlug: string): Promise<MeterRow | undefined> => {
  const { rows } = await queryable.query<MeterRow>(
    `${selectMeters} WHERE (m.id = $1 OR m.slug = $1) AND m.deleted_at IS NULL ORDER BY m.id = $1 DESC LIMIT 1`,
    [idOrSlug],
  );
  return rows[0];
};

const orderColumns = {
  key: 'slug',
  name: 'name',
  aggregation: 'aggregation',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
} as const;

export interface MeterList {
  orderBy: keyof typeof orderColumns;
  order: 'ASC' | 'DESC';
  includeDeleted: boolean;
  /** A part of the slug or the name, without regard to case. */
  search?: string | undefined;
  limit: number;
  offset: number;
}

export const listMeters = async (queryable: Queryable, options: MeterList): Promise<MeterRow[]> => {
  const { rows } = await queryable.query<MeterRow>(
    `${selectMeters} WHERE ($3::boolean OR m.deleted_at IS NULL)
       AND ($4::text IS NULL OR strpos(lower(m.slug), lower($4)) > 0 OR strpos(lower(m.name), lower($4)) > 0)
     ORDER BY m.${orderColumns[options.orderBy]} ${options.order}, m.id LIMIT $1 OFFSET $2`,
    [options.limit, options.offset, options.includeDeleted, options.search ?? null],
  );
  return rows;
};

const searchSource = {
  select: 'm.*, to_jsonb(b) AS backfill',
  from: 'meter m LEFT JOIN meter_backfill b ON b.meter_id = m.id',
  where: 'm.deleted_at IS NULL',
  columns: { key: 'm.slug', name: 'm.name' },
  orders: {
    key: 'm.slug',
    name: 'm.name',
    aggregation: 'm.aggregation',
    createdAt: 'm.created_at',
    updatedAt: 'm.updated_at',
  },
  id: 'm.id',
} satisfies SearchSource<string, string>;

export type MeterSearch = RowSearch<keyof typeof searchSource.columns, keyof typeof searchSource.orders>;

/** One page of the meters for which all conditions hold. */
export const searchMeters = async (
  queryable: Queryable,
  search: MeterSearch,
): Promise<{ items: Meter[]; totalCount: number }> => {
  const { rows, totalCount } = await searchRows<MeterRow, string, keyof typeof searchSource.orders>(
    queryable,
    searchSource,
    search,
  );
  return { items: rows.map(meterOf), totalCount };
};

/**
 * Where the counting of a definition begins: above every sequence number that was taken before the exclusive lock on the
 * definitions, which the caller holds, and below every one that is taken after it.
 */
export const nextSeq = async (transaction: Transaction, batchStride: number): Promise<number> => {
  const { rows } = await transaction.query<{ seq: number }>(
    `SELECT nextval('event_batch') * $1::bigint AS seq`,
    [batchStride],
  );
  return rows[0]!.seq;
};

/** Inserts a meter that counts the events from `countsFromSeq` on. */
export const insertMeter = async (
  transaction: Transaction,
  id: string,
  draft: MeterDraft,
  countsFromSeq: number,
  now: number,
): Promise<void> => {
  await transaction.query(
    `INSERT INTO meter (id, slug, name, description, aggregation, event_type, event_from, value_property, group_by,
       metadata, counts_from_seq, backfilled_to_seq, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::jsonb, $11, $11, $12, $12)`,
    [
      id,
      draft.slug,
      draft.name ?? draft.slug,
      draft.description,
      draft.aggregation,
      draft.eventType,
      draft.eventFrom,
      draft.valueProperty,
      JSON.stringify(draft.groupBy),
      JSON.stringify(draft.metadata),
      countsFromSeq,
      now,
    ],
  );
};

/** Changes all of a meter that is not counted by. */
export const describeMeter = async (
  transaction: Transaction,
  id: string,
  change: Omit<MeterChange, 'groupBy'>,
  now: number,
): Promise<void> => {
  await transaction.query(
    'UPDATE meter SET name = coalesce($2, slug), description = $3, metadata = $4::jsonb, updated_at = $5 WHERE id = $1',
    [id, change.name, change.description, JSON.stringify(change.metadata), now],
  );
};

/** Has the stored events counted for a new meter, under its own number, if there are any. */
export const fillMeter = async (transaction: Transaction, id: string, now: number): Promise<void> => {
  await transaction.query(
    `INSERT INTO meter_backfill (meter_id, number, group_by, counts_from_seq, created_at)
     SELECT id, number, group_by, counts_from_seq, $2 FROM meter
     WHERE id = $1 AND EXISTS (SELECT 1 FROM event_week)`,
    [id, now],
  );
  await transaction.query(
    'UPDATE meter SET backfilled_to_seq = 0 WHERE id = $1 AND id IN (SELECT meter_id FROM meter_backfill)',
    [id],
  );
};

/** Has all events of a meter counted anew by other groups, under a new number; what was begun before is given up. */
export const regroupMeter = async (
  transaction: Transaction,
  id: string,
  groupBy: Record<string, string>,
  countsFromSeq: number,
  now: number,
): Promise<void> => {
  await transaction.query(
    `INSERT INTO retired_meter_number (number)
     SELECT b.number FROM meter_backfill b JOIN meter m ON m.id = b.meter_id AND m.number <> b.number WHERE b.meter_id = $1
     ON CONFLICT DO NOTHING`,
    [id],
  );
  await transaction.query('DELETE FROM meter_backfill WHERE meter_id = $1', [id]);
  await transaction.query(
    `INSERT INTO meter_backfill (meter_id, number, group_by, counts_from_seq, created_at)
     VALUES ($1, nextval(pg_get_serial_sequence('meter', 'number')), $2::jsonb, $3, $4)`,
    [id, JSON.stringify(groupBy), countsFromSeq, now],
  );
};

/**
 * Whether the events behind some of a meter's rollups were dropped by retention, so that they cannot be counted anew.
 * Rollups are kept by the events' own times; the weeks by their receipt, which comes later.
 */
export const hasLostEvents = async (
  transaction: Transaction,
  number: number,
  weekMs: number,
): Promise<boolean> => {
  const { rows } = await transaction.query<{ lost: boolean }>(
    `SELECT EXISTS (
       SELECT 1 FROM series s CROSS JOIN LATERAL (SELECT min(bucket) AS first FROM rollup WHERE series_id = s.id) r
       WHERE s.meter_number = $1 AND s.level = 0 AND r.first < (SELECT (max(week) + 1) * $2::bigint FROM dropped_event_week)
     ) AS lost`,
    [number, weekMs],
  );
  return rows[0]!.lost;
};

/** Changes whether a meter counts; the pauses say for which events it did not. */
export const pauseMeter = async (
  transaction: Transaction,
  id: string,
  deactivatedAt: number | null,
  pauses: readonly MeterPause[],
  now: number,
): Promise<void> => {
  await transaction.query(
    'UPDATE meter SET deactivated_at = $2, pauses = $3::jsonb, updated_at = $4 WHERE id = $1',
    [id, deactivatedAt, JSON.stringify(pauses), now],
  );
};

/** Ends a meter, and whatever is being counted for it. */
export const markMeterDeleted = async (transaction: Transaction, id: string, now: number): Promise<void> => {
  await transaction.query('UPDATE meter SET deleted_at = $2, updated_at = $2 WHERE id = $1', [id, now]);
  await transaction.query('DELETE FROM meter_backfill WHERE meter_id = $1', [id]);
};
