import { cachedByVersion, type Queryable, type Transaction } from '../storage';
import type { MetersByType } from './count-events';
import { compilePath } from './json-path';
import type { Aggregation, CompiledMeter, Meter } from './meter';
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
});

export const compileMeter = (meter: Meter, countsFromSeq: number): CompiledMeter => {
  const groupKeys = Object.keys(meter.groupBy).sort();
  return {
    meter,
    groupKeys,
    groupReaders: groupKeys.map((key) => compilePath(meter.groupBy[key]!)),
    valueReader: meter.valueProperty === null ? undefined : compilePath(meter.valueProperty),
    countsFromSeq,
  };
};

/** The meters that count now, by event type; loaded once a version of the definitions. */
export const createMeterRegistry = () =>
  cachedByVersion(async (queryable: Queryable): Promise<MetersByType> => {
    const { rows } = await queryable.query<MeterRow>(
      'SELECT * FROM meter WHERE deleted_at IS NULL ORDER BY number',
    );
    const byType = new Map<string, CompiledMeter[]>();
    for (const row of rows) {
      const compiled = compileMeter(meterOf(row), row.counts_from_seq);
      byType.set(row.event_type, [...(byType.get(row.event_type) ?? []), compiled]);
    }
    return byType;
  });

export type MeterRegistry = ReturnType<typeof createMeterRegistry>;

/** A meter by its id, or a living one by its slug; an id wins. Deleted meters are found by neither. */
export const findMeter = async (queryable: Queryable, idOrSlug: string): Promise<MeterRow | undefined> => {
  const { rows } = await queryable.query<MeterRow>(
    'SELECT * FROM meter WHERE (id = $1 OR slug = $1) AND deleted_at IS NULL ORDER BY id = $1 DESC LIMIT 1',
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
  limit: number;
  offset: number;
}

export const listMeters = async (queryable: Queryable, options: MeterList): Promise<MeterRow[]> => {
  const { rows } = await queryable.query<MeterRow>(
    `SELECT * FROM meter ${options.includeDeleted ? '' : 'WHERE deleted_at IS NULL'}
     ORDER BY ${orderColumns[options.orderBy]} ${options.order}, id LIMIT $1 OFFSET $2`,
    [options.limit, options.offset],
  );
  return rows;
};

/**
 * Where the counting of a definition begins: above every sequence number that was taken before the exclusive lock on the
 * definitions, which the caller holds, and below every one that is taken after it.
 */
const nextBatchSeq = `nextval('event_batch')`;

/** Inserts a meter that counts events from now on; those stored before are the backfill's, if there are any. */
export const insertMeter = async (
  transaction: Transaction,
  id: string,
  draft: MeterDraft,
  batchStride: number,
  now: number,
): Promise<MeterRow> => {
  const { rows } = await transaction.query<MeterRow>(
    `INSERT INTO meter (id, slug, name, description, aggregation, event_type, event_from, value_property, group_by,
       metadata, counts_from_seq, backfilled_to_seq, created_at, updated_at)
     SELECT $1, $2, $3, $4, $5, $6, $7::bigint, $8, $9::jsonb, $10::jsonb, b.seq,
       CASE WHEN EXISTS (SELECT 1 FROM event_week) THEN 0 ELSE b.seq END, $11::bigint, $11::bigint
     FROM (SELECT ${nextBatchSeq} * $12::bigint AS seq) b
     RETURNING *`,
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
      now,
      batchStride,
    ],
  );
  return rows[0]!;
};

/** Changes a meter. One that is grouped in another way gets a new number: its rollups are made again from the events. */
export const reviseMeter = async (
  transaction: Transaction,
  id: string,
  change: MeterChange,
  isRegrouped: boolean,
  batchStride: number,
  now: number,
): Promise<MeterRow> => {
  const { rows } = await transaction.query<MeterRow>(
    `UPDATE meter SET name = coalesce($2, slug), description = $3, group_by = $4::jsonb, metadata = $5::jsonb, updated_at = $6
       ${isRegrouped ? `, number = DEFAULT, counts_from_seq = ${nextBatchSeq} * ${batchStride}, backfilled_to_seq = 0` : ''}
     WHERE id = $1 RETURNING *`,
    [
      id,
      change.name,
      change.description,
      JSON.stringify(change.groupBy),
      JSON.stringify(change.metadata),
      now,
    ],
  );
  return rows[0]!;
};

export const markMeterDeleted = async (transaction: Transaction, id: string, now: number): Promise<void> => {
  await transaction.query('UPDATE meter SET deleted_at = $2, updated_at = $2 WHERE id = $1', [id, now]);
};
