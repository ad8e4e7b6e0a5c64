import type { IdentifierSource } from '../primitives/identifiers';
import type { Database } from '../storage';
import type { ConsumerDirectory } from './consumer-directory';
import { consumersOfCustomers } from './customer-consumers';
import { decideAccess } from './decide-access';
import { describeOutcome, type TaskWork } from './describe-outcome';
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
import { type AccessTask, saveResults, type TaskResult } from './task-store';

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
 * Makes the memberships of customers what they are to be now, and writes down what was done. What is wanted is derived
 * here, not taken from the task.
 * @throws GatewayError that concerns the gateway, after what was done before is written down; the other tasks stay due
 */
export const reconcileTasks = async (
  context: ReconcileContext,
  tasks: readonly AccessTask[],
): Promise<void> => {
  const works = await prepare(context, tasks);
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
    await saveResults(transaction, context.gateway.id, results, now);
    await appendLog(transaction, entries);
  });
  if (context.onLogged) entries.forEach(context.onLogged);
  if (failure) throw failure;
};

const prepare = async (context: ReconcileContext, tasks: readonly AccessTask[]): Promise<TaskWork[]> => {
  const { database, gateway, directory, driver } = context;
  const policies = await listPolicies(database, { gatewayId: gateway.id });
  const features = [...new Set(policies.map(({ featureKey }) => featureKey))];
  const ids = tasks.map(({ customerId }) => customerId);
  const grounds = await readGrounds(database, ids, features, context.now());
  const known = tasks.flatMap((task) => {
    const own = grounds.get(task.customerId);
    return own ? [{ task, grounds: own }] : [];
  });
  const consumers = await consumersOfCustomers(
    database,
    directory,
    known.map(({ task, grounds: own }) => ({ grounds: own, seen: task.consumers })),
    (keys) => driver.find(keys),
  );
  const groups = managedGroups(policies);
  return known.map(({ task, grounds: own }) => {
    const decisions = policies.map((policy) => decisionOf(policy, own));
    return {
      task,
      grounds: own,
      decisions,
      groups,
      wanted: wantedMemberships(decisions),
      consumers: (consumers.get(task.customerId) ?? []).map((consumer) => ({
        consumer,
        known: seenGroups(task, consumer),
      })),
    };
  });
};

export const decisionOf = (policy: PolicyDecision['policy'], grounds: CustomerGrounds): PolicyDecision => ({
  policy,
  decision: decideAccess(policy.featureKey, grounds.groundsOf(policy.featureKey)),
});

const seenGroups = (task: AccessTask, consumer: KongConsumer): KnownGroups =>
  task.consumers.find(({ id }) => id === consumer.id)?.groups ?? {};

/**
 * Reads the memberships of consumers of which they are not known, and of those where there seems to be nothing to do:
 * what was seen last may no longer be so. Where there is something to do it is done at once, without looking.
 */
const lookWhereUnknown = async ({ driver }: ReconcileContext, works: readonly TaskWork[]): Promise<void> => {
  const unsure = works.flatMap(({ consumers, wanted, groups }) =>
    consumers.filter(
      ({ known }) =>
        groups.some((group) => known[group] === undefined) || membershipChanges(wanted, known).length === 0,
    ),
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
