import { customerOfSubject, findCustomerBySubject, insertWithSubjects } from '../customers';
import type { IdentifierSource } from '../primitives/identifiers';
import { Refusal } from '../primitives/refusal';
import type { Database, Queryable } from '../storage';
import { type ConsumerMemberships, type GatewayDriver, keysOf } from './drivers/gateway-driver';

/** Which plan or entitlements new customers get: the first assignment whose tag or group a consumer has. */
export interface ConsumerAssignment<Entitlement> {
  tag?: string | undefined;
  group?: string | undefined;
  plan?: string | undefined;
  entitlements: readonly Entitlement[];
}

/** What synchronising did; counts of consumers. */
export interface SynchronizationReport {
  consumers: number;
  created: number;
  /** Those whose customer was there already; it is left as it is, unless a run that ended early owes it something. */
  known: number;
  /** Those that got a plan or entitlements. */
  assigned: number;
  /** The first failures. */
  failures: { consumer: string; message: string }[];
}

export interface SynchronizationOptions<Entitlement> {
  database: Database;
  newId: IdentifierSource;
  now: () => number;
  driver: GatewayDriver;
  assignments: readonly ConsumerAssignment<Entitlement>[];
  /** Gives a customer a plan by its key. */
  subscribe: (customerId: string, plan: string) => Promise<void>;
  /** Gives a customer an entitlement. */
  entitle: (customerId: string, entitlement: Entitlement) => Promise<void>;
}

const failuresTold = 100;

/**
 * Makes a customer of every consumer that has none, with its username, custom_id and `consumer:<id>` as subjects, so that
 * whatever names the consumer in usage counts. Running it again makes nothing twice, and gives what a run that ended early,
 * or failed, did not come to give.
 */
export const synchronizeConsumers = async <Entitlement>(
  options: SynchronizationOptions<Entitlement>,
): Promise<SynchronizationReport> => {
  const groups = options.assignments.flatMap(({ group }) => (group === undefined ? [] : [group]));
  const memberships = await options.driver.snapshot([...new Set(groups)]);
  const report: SynchronizationReport = {
    consumers: memberships.length,
    created: 0,
    known: 0,
    assigned: 0,
    failures: [],
  };
  const unassigned = await customersUnassigned(options.database);
  for (const item of memberships) {
    try {
      await synchronizeOne(options, item, unassigned, report);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const consumer = item.consumer.username ?? item.consumer.id;
      if (report.failures.length < failuresTold) report.failures.push({ consumer, message: error.message });
    }
  }
  return report;
};

const synchronizeOne = async <Entitlement>(
  { database, newId, now, assignments, subscribe, entitle }: SynchronizationOptions<Entitlement>,
  { consumer, groups }: ConsumerMemberships,
  unassigned: ReadonlySet<string>,
  report: SynchronizationReport,
): Promise<void> => {
  const keys = keysOf(consumer);
  const assignment = assignments.find(
    ({ tag, group }) =>
      (tag === undefined || consumer.tags.includes(tag)) &&
      (group === undefined || groups[group] === 'member'),
  );
  const { customerId, isKnown } = await database.transaction(async (transaction) => {
    for (const key of keys) {
      const known = await findCustomerBySubject(transaction, key);
      if (known) return { customerId: known.id, isKnown: true };
    }
    const details = { ...customerOfSubject(keys[0]!), subjectKeys: keys };
    const { id } = await insertWithSubjects(transaction, newId, details, now());
    if (assignment) await transaction.query('INSERT INTO consumer_assignment VALUES ($1)', [id]);
    return { customerId: id, isKnown: false };
  });
  report[isKnown ? 'known' : 'created'] += 1;
  if (!assignment || (isKnown && !unassigned.has(customerId))) return;
  const give = isKnown ? unlessThere : (giving: Promise<void>) => giving;
  if (assignment.plan !== undefined) await give(subscribe(customerId, assignment.plan));
  for (const entitlement of assignment.entitlements) await give(entitle(customerId, entitlement));
  await database.query('DELETE FROM consumer_assignment WHERE customer_id = $1', [customerId]);
  report.assigned += 1;
};

const customersUnassigned = async (queryable: Queryable): Promise<ReadonlySet<string>> => {
  const { rows } = await queryable.query<{ customer_id: string }>(
    'SELECT customer_id FROM consumer_assignment',
  );
  return new Set(rows.map((row) => row.customer_id));
};

/** What the earlier run gave before it ended is a conflict now, and fine. */
const unlessThere = (giving: Promise<void>): Promise<void> =>
  giving.catch((error: unknown) => {
    if (!(error instanceof Refusal) || error.kind !== 'conflict') throw error;
  });
