/** Customers by features, all entitled, for the bench of access. */
import { createSettle } from '../../control-plane/src/pipeline';
import { createIdentifierSource } from '../../control-plane/src/primitives/identifiers';
import { changeDefinitions, type Database } from '../../control-plane/src/storage';
import { createWatchRegistry } from '../../control-plane/src/thresholds';

export const customerKeyAt = (index: number): string => `customer_${index}`;
export const featureKeyAt = (index: number): string => `feature_${index}`;

const settledAtOnce = 1_000;

/** The meters beside the one that the many entitlements count: an entitlement of each for customer 0. */
export const aggregations = ['COUNT', 'UNIQUE_COUNT', 'LATEST'] as const;

/** The numbers are the bench's own. */
const statements = (now: number, customers: number, features: number): string[] => [
  `INSERT INTO meter (id, slug, aggregation, event_type, value_property, group_by, counts_from_seq, created_at, updated_at)
   VALUES ('calls', 'calls', 'COUNT', 'call', NULL, '{}', 0, ${now}, ${now})`,
  `INSERT INTO feature (id, key, name, meter_id, created_at, updated_at)
   SELECT 'feature_' || f, 'feature_' || f, 'Feature ' || f, 'calls', ${now}, ${now} FROM generate_series(0, ${features} - 1) AS f`,
  `INSERT INTO customer (id, key, name, created_at, updated_at)
   SELECT 'customer_' || c, 'customer_' || c, 'Customer ' || c, ${now}, ${now} FROM generate_series(0, ${customers} - 1) AS c`,
  `INSERT INTO customer_subject (subject, customer_id, is_listed) SELECT id, id, false FROM customer`,
  `INSERT INTO entitlement (id, customer_id, feature_id, feature_key, type, measure_usage_from, usage_period_interval,
     usage_period_anchor, active_from, created_at, updated_at)
   SELECT 'e_' || c || '_' || f, 'customer_' || c, 'feature_' || f, 'feature_' || f, 'metered', ${now}, 'P1M', ${now}, ${now}, ${now}, ${now}
   FROM generate_series(0, ${customers} - 1) AS c, generate_series(0, ${features} - 1) AS f`,
  // Every tenth has nothing granted: access is denied there.
  `INSERT INTO entitlement_grant (id, entitlement_id, amount, effective_at, min_rollover, max_rollover, created_at, updated_at)
   SELECT 'g' || id, id, 1000, ${now}, 1000, 1000, ${now}, ${now} FROM entitlement WHERE right(id, 1) <> '9'`,
];

/** Writes them into a migrated database and settles them; answers how many were settled a second. */
export const entitleCustomers = async (
  database: Database,
  customers: number,
  features: number,
): Promise<number> => {
  const now = Math.floor(Date.now() / 60_000) * 60_000;
  await database.transaction(async (transaction) => {
    await changeDefinitions(transaction);
    for (const text of statements(now, customers, features)) await transaction.query(text);
  });
  await database.query('ANALYZE');
  const { rows } = await database.query<{ id: string }>('SELECT id FROM entitlement ORDER BY id');
  const settle = createSettle({
    watches: createWatchRegistry(),
    newId: createIdentifierSource(),
    recorders: [],
  });
  const begin = performance.now();
  for (let index = 0; index < rows.length; index += settledAtOnce) {
    const changes = rows
      .slice(index, index + settledAtOnce)
      .map(({ id }) => ({ entitlementId: id, changedFrom: now }));
    await database.transaction((transaction) => settle(transaction, changes, 'bench', Date.now()));
  }
  const rate = rows.length / ((performance.now() - begin) / 1_000);
  await database.query('ANALYZE');
  return rate;
};

/** Adds an entitlement of each aggregation for a customer of its own, whose subject is `measured`. */
export const entitleMeasured = async (database: Database): Promise<void> => {
  const now = Math.floor(Date.now() / 60_000) * 60_000;
  const settle = createSettle({
    watches: createWatchRegistry(),
    newId: createIdentifierSource(),
    recorders: [],
  });
  await database.transaction(async (transaction) => {
    await changeDefinitions(transaction);
    for (const aggregation of aggregations) {
      const key = `measured_${aggregation.toLowerCase()}`;
      const property = aggregation === 'COUNT' ? null : '$.value';
      const values = [key, now];
      await transaction.query(
        `INSERT INTO meter (id, slug, aggregation, event_type, value_property, group_by, counts_from_seq, created_at, updated_at)
         VALUES ($1, $1, $3, $1, $4, '{}', 0, $2, $2)`,
        [...values, aggregation, property],
      );
      await transaction.query(
        'INSERT INTO feature (id, key, name, meter_id, created_at, updated_at) VALUES ($1, $1, $1, $1, $2, $2)',
        values,
      );
      await transaction.query(
        'INSERT INTO customer (id, key, name, created_at, updated_at) VALUES ($1, $1, $1, $2, $2)',
        values,
      );
      await transaction.query(
        'INSERT INTO customer_subject (subject, customer_id, is_listed) VALUES ($1, $1, false)',
        [key],
      );
      await transaction.query(
        `INSERT INTO entitlement (id, customer_id, feature_id, feature_key, type, measure_usage_from, usage_period_interval,
           usage_period_anchor, active_from, created_at, updated_at)
         VALUES ($1, $1, $1, $1, 'metered', $2, 'P1M', $2, $2, $2, $2)`,
        values,
      );
      await settle(transaction, [{ entitlementId: key, changedFrom: now }], 'bench', Date.now());
    }
  });
};
