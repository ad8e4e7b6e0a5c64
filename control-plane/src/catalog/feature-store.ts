import type { GroupFilter } from '../metering';
import { cachedByVersion, type Queryable } from '../storage';
import type { Feature } from './feature';

interface FeatureRow {
  id: string;
  key: string;
  name: string;
  meter_id: string | null;
  filters: GroupFilter;
  metadata: Record<string, string>;
  created_at: number;
  updated_at: number;
  archived_at: number | null;
}

export const featureOf = (row: FeatureRow): Feature => ({
  id: row.id,
  key: row.key,
  name: row.name,
  meterId: row.meter_id,
  filters: row.filters,
  metadata: row.metadata,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  archivedAt: row.archived_at,
});

/** Features that count events, by the meter they read; archived ones too, since entitlements may still stand on them. */
export type FeaturesByMeter = ReadonlyMap<string, readonly Feature[]>;

export const createFeatureRegistry = () =>
  cachedByVersion(async (queryable: Queryable): Promise<FeaturesByMeter> => {
    const { rows } = await queryable.query<FeatureRow>(
      'SELECT * FROM feature WHERE meter_id IS NOT NULL ORDER BY id',
    );
    const byMeter = new Map<string, Feature[]>();
    for (const row of rows)
      byMeter.set(row.meter_id!, [...(byMeter.get(row.meter_id!) ?? []), featureOf(row)]);
    return byMeter;
  });

export type FeatureRegistry = ReturnType<typeof createFeatureRegistry>;

/** The features that count a meter and are not archived. */
export const activeFeaturesOf = async (queryable: Queryable, meterId: string): Promise<Feature[]> => {
  const { rows } = await queryable.query<FeatureRow>(
    'SELECT * FROM feature WHERE meter_id = $1 AND archived_at IS NULL ORDER BY id',
    [meterId],
  );
  return rows.map(featureOf);
};
