import type { Database } from '../../src/storage';
import { changeDefinitions } from '../../src/storage';

let next = 0;

/** Stores a meter as its stage would, for tests of what comes after it; answers its slug. */
export const storeMeter = async (
  database: Database,
  meter: {
    slug: string;
    aggregation?: 'SUM' | 'COUNT' | 'UNIQUE_COUNT' | 'LATEST' | 'AVG';
    eventType?: string;
    valueProperty?: string | null;
    groupBy?: Record<string, string>;
  },
): Promise<string> => {
  next += 1;
  const { slug, aggregation = 'COUNT', eventType = slug, groupBy = {} } = meter;
  const id = `01HMETER${String(process.pid).padStart(8, '0')}${String(next).padStart(10, '0')}`;
  const valueProperty = aggregation === 'COUNT' ? null : (meter.valueProperty ?? '$.value');
  await database.transaction(async (transaction) => {
    await changeDefinitions(transaction);
    await transaction.query(
      `INSERT INTO meter (id, slug, aggregation, event_type, value_property, group_by, counts_from_seq, created_at, updated_at)
       VALUES ($1, $2, $3, $4, $5, $6::jsonb, 0, 0, 0)`,
      [id, slug, aggregation, eventType, valueProperty, JSON.stringify(groupBy)],
    );
  });
  return slug;
};
