/** What the benches count: one meter with two group-bys, one feature, and an entitlement of one subject's customer. */
import type { Database } from '../../control-plane/src/storage';
import { changeDefinitions } from '../../control-plane/src/storage';
import { eventType, subjectAt } from './sample-events';

export const meterSlug = 'requests';
/** Far beyond what a bench sends: the run measures counting, not one entitlement's end. */
const exhaustsAt = '1000000000000';
const endOfTime = 9_000_000_000_000_000;

/** Writes the definitions into a migrated database. */
export const defineMetering = (database: Database): Promise<void> =>
  database.transaction(async (transaction) => {
    const now = Date.now();
    await changeDefinitions(transaction);
    await transaction.query(
      `INSERT INTO meter (id, slug, aggregation, event_type, group_by, counts_from_seq, created_at, updated_at)
       VALUES ('m1', $1, 'COUNT', $2, '{"method":"$.request_method","route":"$.route_name"}', 0, $3, $3)`,
      [meterSlug, eventType, now],
    );
    await transaction.query(
      `INSERT INTO feature (id, key, name, meter_id, created_at, updated_at) VALUES ('f1', 'api', 'API', 'm1', $1, $1)`,
      [now],
    );
    await transaction.query(
      `INSERT INTO customer (id, key, name, created_at, updated_at) VALUES ('c1', 'c1', 'Customer', $1, $1)`,
      [now],
    );
    await transaction.query(
      `INSERT INTO customer_subject (subject, customer_id, is_listed) VALUES ($1, 'c1', true)`,
      [subjectAt(1)],
    );
    await transaction.query(
      `INSERT INTO entitlement (id, customer_id, feature_id, feature_key, type, measure_usage_from, usage_period_interval,
         usage_period_anchor, active_from, created_at, updated_at)
       VALUES ('e1', 'c1', 'f1', 'api', 'metered', $1, 'P1M', $1, $1, $1, $1)`,
      [now],
    );
    await transaction.query(
      `INSERT INTO entitlement_standing (entitlement_id, customer_id, feature_id, feature_key, active_from, measure_from, period_from,
         period_to, segment_from, valid_until, usage, exhausts_at, total_available, has_access, definitions, updated_at)
       SELECT 'e1', 'c1', 'f1', 'api', $1, 0, 0, $2, 0, $2, 0, $3::numeric, $3::numeric, true, version, $1 FROM catalog_version`,
      [now, endOfTime, exhaustsAt],
    );
  });
