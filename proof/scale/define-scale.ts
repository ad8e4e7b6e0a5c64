import { eventType } from '../../benchmarks/support/sample-events';
import { changeDefinitions, type Database } from '../../control-plane/src/storage';

/** Far beyond what a run sends: it measures counting, not an entitlement's end. */
const exhaustsAt = '1000000000000';
const endOfTime = 9_000_000_000_000_000;

/** How many meters count every event, and how many customers have an entitlement; the subjects are the customers'. */
export interface ScaleDefinitions {
  customers: number;
  meters: number;
}

/** Digits of a subject's number, as the load writes it. */
export const subjectDigits = (customers: number): number => Math.max(4, String(customers - 1).length);

/** Writes the definitions into a migrated database, a statement a table. The numbers are the script's own. */
export const defineScale = (database: Database, { customers, meters }: ScaleDefinitions): Promise<void> =>
  database.transaction(async (transaction) => {
    const now = Date.now();
    const everyCustomer = `generate_series(0, ${customers - 1}) AS n`;
    await changeDefinitions(transaction);
    const statements = [
      `INSERT INTO meter (id, slug, aggregation, event_type, group_by, counts_from_seq, created_at, updated_at)
       SELECT 'm' || n, 'requests_' || n, 'COUNT', '${eventType}', '{"method":"$.request_method"}', 0, ${now}, ${now}
       FROM generate_series(1, ${meters}) AS n`,
      `INSERT INTO feature (id, key, name, meter_id, created_at, updated_at) VALUES ('f1', 'api', 'API', 'm1', ${now}, ${now})`,
      `INSERT INTO customer (id, key, name, created_at, updated_at)
       SELECT 'c' || n, 'c' || n, 'c' || n, ${now}, ${now} FROM ${everyCustomer}`,
      `INSERT INTO customer_subject (subject, customer_id, is_listed)
       SELECT 'subject-' || lpad(n::text, ${subjectDigits(customers)}, '0'), 'c' || n, true FROM ${everyCustomer}`,
      `INSERT INTO entitlement (id, customer_id, feature_id, feature_key, type, measure_usage_from, usage_period_interval,
         usage_period_anchor, active_from, created_at, updated_at)
       SELECT 'e' || n, 'c' || n, 'f1', 'api', 'metered', ${now}, 'P1M', ${now}, ${now}, ${now}, ${now} FROM ${everyCustomer}`,
      `INSERT INTO entitlement_standing (entitlement_id, customer_id, feature_id, feature_key, active_from, measure_from,
         period_from, period_to, segment_from, valid_until, usage, exhausts_at, total_available, has_access, definitions, updated_at)
       SELECT 'e' || n, 'c' || n, 'f1', 'api', ${now}, 0, 0, ${endOfTime}, 0, ${endOfTime}, 0, ${exhaustsAt}, ${exhaustsAt}, true,
         version, ${now} FROM catalog_version, ${everyCustomer}`,
    ];
    for (const statement of statements) await transaction.query(statement);
  });
