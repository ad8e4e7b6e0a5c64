import { customerOfSubject, findCustomerBySubject, insertWithSubjects } from '../customers';
import type { IdentifierSource } from '../primitives/identifiers';
import { Refusal } from '../primitives/refusal';
import type { Database } from '../storage';
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
  /** Those whose customer was there already; it is left as it is. */
  known: number;
  /** Those of the created that got a plan or entitlements. */
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
 * whatever names the consumer in usage counts. Running it again makes nothing twice.
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
  for (const item of memberships) {
    try {
      await synchronizeOne(options, item, report);
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
  report: SynchronizationReport,
): Promise<void> => {
  const keys = keysOf(consumer);
  const customerId = await database.transaction(async (transaction) => {
    for (const key of keys) if (await findCustomerBySubject(transaction, key)) return undefined;
    const details = { ...customerOfSubject(keys[0]!), subjectKeys: keys };
    return (await insertWithSubjects(transaction, newId, details, now())).id;
  });
  if (customerId === undefined) {
    report.known += 1;
    return;
  }
  report.created += 1;
  const assignment = assignments.find(
    ({ tag, group }) =>
      (tag === undefined || consumer.tags.includes(tag)) &&
      (group === undefined || groups[group] === 'member'),
  );
  if (!assignment) return;
  if (assignment.plan !== undefined) await subscribe(customerId, assignment.plan);
  for (const entitlement of assignment.entitlements) await entitle(customerId, entitlement);
  report.assigned += 1;
};
