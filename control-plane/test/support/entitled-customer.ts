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
export const entitleCustomer = async (options: EntitledCustomerOptions): Promise<EntitledCustomer> =>
  (await entitleCustomers({ ...options, subjects: [options.subject] }))[0]!;

/** The same for many customers, with one statement a table. */
export const entitleCustomers = async (
  options: Omit<EntitledCustomerOptions, 'subject'> & { subjects: readonly string[] },
): Promise<EntitledCustomer[]> => {
  const { database, from, subjects } = options;
  const { arrays } = database;
  const featureKey = options.featureKey ?? 'requests';
  const customerIds = subjects.map(() => newId());
  const entitlementIds = subjects.map(() => newId());
  let featureId = '';
  await database.transaction(async (transaction) => {
    await changeDefinitions(transaction);
    featureId = await featureFor(transaction, featureKey, options.aggregation ?? 'COUNT', from);
    await transaction.query(
      `INSERT INTO customer (id, key, name, created_at, updated_at)
       SELECT id, key, key, $3::bigint, $3::bigint FROM unnest($1::text[], $2::text[]) AS c (id, key)`,
      [arrays.text(customerIds), arrays.text(subjects), from],
    );
    await transaction.query(
      `INSERT INTO customer_subject (customer_id, subject, is_listed)
       SELECT id, key, true FROM unnest($1::text[], $2::text[]) AS c (id, key)`,
      [arrays.text(customerIds), arrays.text(subjects)],
    );
    await transaction.query(
      `INSERT INTO entitlement (id, customer_id, feature_id, feature_key, type, measure_usage_from, usage_period_interval,
         usage_period_anchor, active_from, created_at, updated_at)
       SELECT id, customer_id, $3, $4, 'metered', $5::bigint, $6, $5::bigint, $7::bigint, $5::bigint, $5::bigint
       FROM unnest($1::text[], $2::text[]) AS e (id, customer_id)`,
      [
        arrays.text(entitlementIds),
        arrays.text(customerIds),
        featureId,
        featureKey,
        from,
        options.interval ?? 'P1M',
        options.activeFrom ?? from,
      ],
    );
    await transaction.query(
      `INSERT INTO entitlement_grant
         (id, entitlement_id, amount, effective_at, min_rollover, max_rollover, created_at, updated_at)
       SELECT id, entitlement_id, $3::numeric, $4::bigint, $3::numeric, $3::numeric, $4::bigint, $4::bigint
       FROM unnest($1::text[], $2::text[]) AS g (id, entitlement_id)`,
      [arrays.text(subjects.map(() => newId())), arrays.text(entitlementIds), options.allowance, from],
    );
    const changes = entitlementIds.map((entitlementId) => ({ entitlementId, changedFrom: from }));
    await settleWith([])(transaction, changes, 'created', from);
  });
  return subjects.map((_, index) => ({
    customerId: customerIds[index]!,
    featureId,
    entitlementId: entitlementIds[index]!,
  }));
};

/** Writes a grant, without settling; nothing of it rolls over. */
export const grantTo = async (
  transaction: Transaction,
  entitlementId: string,
  amount: string,
  at: number,
): Promise<void> => {
  await transaction.query(
    `INSERT INTO entitlement_grant (id, entitlement_id, amount, effective_at, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $4, $4)`,
    [newId(), entitlementId, amount, at],
  );
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
