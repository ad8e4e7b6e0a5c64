import type { IdentifierSource } from '../primitives/identifiers';
import type { Database, Queryable } from '../storage';
import type { ConsumerDirectory } from './consumer-directory';
import { consumersOfCustomers } from './customer-consumers';
import { decideAccess } from './decide-access';
import { type ConsumerWork, describeOutcome, type TaskWork } from './describe-outcome';
import type {
  ChangeAnswer,
  ChangeOutcome,
  GatewayDriver,
  KongConsumer,
  MembershipChange,
} from './drivers/gateway-driver';
import type { GatewayError } from './drivers/gateway-error';
import type { Gateway } from './gateway';
import { type CustomerGrounds, readGrounds } from './grounds-store';
import { type AccessLogEntry, appendLog } from './log-store';
import {
  type KnownGroups,
  managedGroups,
  membershipChanges,
  type PolicyDecision,
  wantedMemberships,
} from './plan-memberships';
import { listPolicies } from './policy-store';
import { type AccessTask, dueTasks, saveResults, type TaskResult } from './task-store';

export interface ReconcileContext {
  database: Database;
  gateway: Gateway;
  driver: GatewayDriver;
  directory: ConsumerDirectory;
  newId: IdentifierSource;
  now: () => number;
  onLogged?: ((entry: AccessLogEntry) => void) | undefined;
}

/**
 * The customers that are due, the oldest first and without those under way, with what is wanted of their consumers now.
 * All of it is read in one transaction: the embedded database takes one at a time, so that every further one would wait
 * behind a batch of events. The policies are read after the tasks, so that a task that a policy brought meets that policy.
 */
export const readDueWork = (
  { database, gateway, directory, now }: ReconcileContext,
  underWay: readonly string[],
  limit: number,
): Promise<TaskWork[]> =>
  database.transaction(async (transaction) => {
    const at = now();
    const [tasks, policies] = await Promise.all([
      dueTasks(transaction, gateway.id, underWay, at, limit),
      listPolicies(transaction, { gatewayId: gateway.id }),
    ]);
    if (tasks.length === 0) return [];
    const features = [...new Set(policies.map(({ featureKey }) => featureKey))];
    const ids = tasks.map(({ customerId }) => customerId);
    const grounds = await readGrounds(transaction, ids, features, at);
    const groups = managedGroups(policies);
    const works = tasks.flatMap((task): TaskWork[] => {
      const own = grounds.get(task.customerId);
      if (!own) return [];
      const decisions = policies.map((policy) => decisionOf(policy, own));
      return [{ task, grounds: own, decisions, groups, wanted: wantedMemberships(decisions), consumers: [] }];
    });
    await fillInConsumers(transaction, directory, works);
    return works;
  });

/**
 * Makes the memberships of customers what they are to be, and writes down what was done.
 * @throws GatewayError that concerns the gateway, after what was done before is written down; the other tasks stay due
 */
export const reconcileTasks = async (
  context: ReconcileContext,
  works: readonly TaskWork[],
): Promise<void> => {
  await findWhereUnknown(context, works);
  await lookWhereUnknown(context, works);
  const startedAt = performance.now();
  const { outcomes, interrupted, failure } = await makeChanges(context, works);
  const callMs = Math.round(performance.now() - startedAt);
  const now = context.now();
  const results: TaskResult[] = [];
  const entries: AccessLogEntry[] = [];
  for (const work of works) {
    if (interrupted.has(work.task.customerId)) continue;
    const { result, logged, gone } = describeOutcome(work, outcomes, now);
    results.push(result);
    for (const consumerId of gone) context.directory.forget(consumerId);
    for (const entry of logged) {
      entries.push({
        ...entry,
        id: context.newId(),
        gatewayId: context.gateway.id,
        gatewayKey: context.gateway.key,
        callMs: entry.outcome === 'would' ? 0 : callMs,
      });
    }
  }
  await context.database.transaction(async (transaction) => {
    await Promise.all([
      saveResults(transaction, context.gateway.id, results, now),
      appendLog(transaction, entries),
    ]);
  });
  if (context.onLogged) entries.forEach(context.onLogged);
  if (failure) throw failure;
};

const fillInConsumers = async (
  queryable: Queryable,
  directory: ConsumerDirectory,
  works: readonly TaskWork[],
): Promise<void> => {
  const requests = works.map(({ task, grounds }) => ({ grounds, seen: task.consumers }));
  const consumers = await consumersOfCustomers(queryable, directory, requests);
  for (const work of works) {
    work.consumers = (consumers.get(work.task.customerId) ?? []).map((consumer) => ({
      consumer,
      known: seenGroups(work.task, consumer),
    }));
  }
};

/** Asks the gateway for consumers that the directory does not know. */
const findWhereUnknown = async (
  { database, directory, driver }: ReconcileContext,
  works: readonly TaskWork[],
): Promise<void> => {
  const unknown = works.filter(
    ({ isRead, grounds }) => !isRead && directory.consumersOf(grounds.subjects).length === 0,
  );
  const keys = unknown.flatMap(({ grounds }) => grounds.subjects);
  if (keys.length === 0) return;
  directory.add(await driver.find(keys));
  await fillInConsumers(database, directory, unknown);
};

export const decisionOf = (policy: PolicyDecision['policy'], grounds: CustomerGrounds): PolicyDecision => ({
  policy,
  decision: decideAccess(policy.featureKey, grounds.groundsOf(policy.featureKey)),
});

const seenGroups = (task: AccessTask, consumer: KongConsumer): KnownGroups =>
  task.consumers.find(({ id }) => id === consumer.id)?.groups ?? {};

/**
 * Memberships that are not known are read, and those where there seems to be nothing to do: what was seen last may no longer
 * be so. Where there is something to do it is done at once, without looking.
 */
const isToBeRead = ({ wanted, groups }: TaskWork, { known }: ConsumerWork): boolean =>
  groups.some((group) => known[group] === undefined) || membershipChanges(wanted, known).length === 0;

/** Whether the gateway is to be asked about the customer's consumers before anything is changed. */
export const needsReading = (work: TaskWork): boolean =>
  !work.isRead &&
  (work.consumers.some((consumer) => isToBeRead(work, consumer)) ||
    (work.consumers.length === 0 && work.grounds.subjects.length > 0));

/** Takes what a customer's consumers are in from a reading of the whole gateway. */
export const takeFromReading = (work: TaskWork, groupsOf: (consumerId: string) => KnownGroups): void => {
  work.isRead = true;
  for (const item of work.consumers) item.known = groupsOf(item.consumer.id);
};

const lookWhereUnknown = async ({ driver }: ReconcileContext, works: readonly TaskWork[]): Promise<void> => {
  const unsure = works.flatMap((work) =>
    work.isRead ? [] : work.consumers.filter((consumer) => isToBeRead(work, consumer)),
  );
  if (unsure.length === 0) return;
  const groups = works[0]!.groups;
  const read = await driver.read(
    unsure.map(({ consumer }) => consumer),
    groups,
  );
  const byId = new Map(read.map((memberships) => [memberships.consumer.id, memberships.groups]));
  for (const item of unsure) {
    const found = byId.get(item.consumer.id);
    item.known = found ?? {};
    item.isGone = found === undefined;
  }
};

interface MadeChanges {
  /** By consumer and group, over all the customers of the batch. */
  outcomes: ReadonlyMap<string, ChangeOutcome>;
  /** Customers of whose changes some were not made because the gateway failed. */
  interrupted: ReadonlySet<string>;
  failure: GatewayError | undefined;
}

const makeChanges = async (
  { driver }: ReconcileContext,
  works: readonly TaskWork[],
): Promise<MadeChanges> => {
  const changes = works.flatMap(({ task, consumers, wanted }) =>
    consumers.flatMap(({ consumer, known, isGone }) =>
      isGone
        ? []
        : membershipChanges(wanted, known).map((change) => ({
            customerId: task.customerId,
            change: { ...change, consumer } satisfies MembershipChange,
          })),
    ),
  );
  const answers: readonly ChangeAnswer[] =
    changes.length === 0 ? [] : await driver.change(changes.map(({ change }) => change));
  const outcomes = new Map<string, ChangeOutcome>();
  const interrupted = new Set<string>();
  let failure: GatewayError | undefined;
  for (const [index, answer] of answers.entries()) {
    const { customerId, change } = changes[index]!;
    if (answer.outcome === 'interrupted') {
      interrupted.add(customerId);
      failure ??= answer.error;
    } else outcomes.set(`${change.consumer.id} ${change.group}`, answer);
  }
  return { outcomes, interrupted, failure };
};
