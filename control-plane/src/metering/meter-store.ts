import { cachedByVersion, type Queryable } from '../storage';
import type { MetersByType } from './count-events';
import { compilePath } from './json-path';
import type { Aggregation, CompiledMeter, Meter } from './meter';

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
