import type { Queryable, Transaction } from '../../storage';

/** Keys that have made meters (elements) and dimensions of them. */
export interface KnownKeys {
  /** Meter ids by key. */
  elements: Map<string, string>;
  /** Group-by keys by key. */
  dimensions: Map<string, string>;
}

export const readKnownKeys = async (queryable: Queryable): Promise<KnownKeys> => {
  const elements = await queryable.query<{ key: string; meter_id: string }>(
    'SELECT key, meter_id FROM metering_element ORDER BY created_at, key',
  );
  const dimensions = await queryable.query<{ key: string; group_key: string }>(
    'SELECT key, group_key FROM metering_dimension ORDER BY created_at, key',
  );
  return {
    elements: new Map(elements.rows.map((row) => [row.key, row.meter_id])),
    dimensions: new Map(dimensions.rows.map((row) => [row.key, row.group_key])),
  };
};

export const insertElement = async (
  transaction: Transaction,
  key: string,
  meterId: string,
  now: number,
): Promise<void> => {
  await transaction.query('INSERT INTO metering_element (key, meter_id, created_at) VALUES ($1, $2, $3)', [
    key,
    meterId,
    now,
  ]);
};

export const insertDimension = async (
  transaction: Transaction,
  key: string,
  groupKey: string,
  now: number,
): Promise<void> => {
  await transaction.query('INSERT INTO metering_dimension (key, group_key, created_at) VALUES ($1, $2, $3)', [
    key,
    groupKey,
    now,
  ]);
};
