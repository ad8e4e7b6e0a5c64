import { createSettle } from '../../src/pipeline';
import { createIdentifierSource } from '../../src/primitives/identifiers';
import { changeDefinitions, type Database, type Transaction } from '../../src/storage';
import { createWatchRegistry, type FactRecorder } from '../../src/thresholds';

export interface EntitledCustomerOptions {
  database: Database;
  /** Epoch milliseconds: since when it is entitled, and the anchor of its periods. */
  from: number;
  /** The subject, and the customer's key. */
  subject: string;
  /** Granted each period, decimal text. */
  allowance: string;
  featureKey?: string;
  aggregation?: 'SUM' | 'COUNT' | 'LATEST' | 'UNIQUE_COUNT';
  /** ISO 8601; a month when absent. */
  interval?: string;
  /** Epoch milliseconds when it begins to be in force, when that is not `from`. */
  activeFrom?: number;
}

export interface EntitledCustomer {
  customerId: string;
  featureId: string;
  entitlementId: string;
}

const newId = createIdentifierSource();

/**
 * Settles outside of a running control plane, as its grants, resets and scheduler do.
 * @param recorders what is to hear of the facts
 */
export const settleWith = (recorders: readonly FactRecorder[]) =>
  createSettle({ watches: createWatchRegistry(), newId, recorders });

/** A customer with one metered entitlement for events of the type `<featureKey>`, written straight into the tables. */
export const entitleCustomer = async (options: EntitledCustomerOptions): Promise<EntitledCustomer> => {
  const { database, from, subject } = options;
  const ids = { customerId: newId(), featureId: '', entitlementId: newId() };
  const featureKey = options.featureKey ?? 'requests';
  await database.transaction(async (transaction) => {
    await changeDefinitions(transaction);
    ids.featureId = await featureFor(transaction, featureKey, options.aggregation ?? 'COUNT', from);
    await transaction.query(
      'INSERT INTO customer (id, key, name, created_at, updated_at) VALUES ($1, $2, $2, $3, $3)',
      [ids.customerId, subject, from],
    );
    await transaction.query(
      'INSERT INTO customer_subject (subject, customer_id, is_listed) VALUES ($1, $2, true)',
      [subject, ids.customerId],
    );
    await transaction.query(
      `INSERT INTO entitlement (id, customer_id, feature_id, feature_key, type, measure_usage_from, usage_period_interval,
         usage_period_anchor, active_from, created_at, updated_at)
       VALUES ($1, $2, $3, $4, 'metered', $5, $6, $5, $7, $5, $5)`,
      [
        ids.entitlementId,
        ids.customerId,
        ids.featureId,
        featureKey,
        from,
        options.interval ?? 'P1M',
        options.activeFrom ?? from,
      ],
    );
    await grantTo(transaction, ids.entitlementId, options.allowance, from, true);
    await settleWith([])(
      transaction,
      [{ entitlementId: ids.entitlementId, changedFrom: from }],
      'created',
      from,
    );
  });
  return ids;
};

/** Writes a grant, without settling; a recurring one rolls over in full, as an allowance a period does. */
export const grantTo = async (
  transaction: Transaction,
  entitlementId: string,
  amount: string,
  at: number,
  isAllowance = false,
): Promise<string> => {
  const id = newId();
  await transaction.query(
    `INSERT INTO entitlement_grant (id, entitlement_id, amount, effective_at, min_rollover, max_rollover, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $5, $4, $4)`,
    [id, entitlementId, amount, at, isAllowance ? amount : '0'],
  );
  return id;
};

const featureFor = async (
  transaction: Transaction,
  key: string,
  aggregation: string,
  now: number,
): Promise<string> => {
  const { rows } = await transaction.query<{ id: string }>('SELECT id FROM feature WHERE key = $1', [key]);
  if (rows[0]) return rows[0].id;
  const meterId = newId();
  const featureId = newId();
  await transaction.query(
    `INSERT INTO meter (id, slug, aggregation, event_type, value_property, group_by, counts_from_seq, created_at, updated_at)
     VALUES ($1, $2, $3, $2, $4, '{}', 0, $5, $5)`,
    [meterId, key, aggregation, aggregation === 'COUNT' ? null : '$.value', now],
  );
  await transaction.query(
    'INSERT INTO feature (id, key, name, meter_id, created_at, updated_at) VALUES ($1, $2, $2, $3, $4, $4)',
    [featureId, key, meterId, now],
  );
  return featureId;
};
