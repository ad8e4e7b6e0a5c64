import type { AccessPolicy } from './access-policy';
import { consumersOfCustomers } from './customer-consumers';
import { observeConsumers } from './describe-outcome';
import type { ConsumerMemberships } from './drivers/gateway-driver';
import { readGrounds, readManagedCustomers } from './grounds-store';
import { type KnownGroups, managedGroups, membershipChanges, wantedMemberships } from './plan-memberships';
import { listPolicies } from './policy-store';
import { decisionOf, type ReconcileContext } from './reconcile-tasks';
import { type AccessTask, readStates, type SeenConsumer, type SweptState, saveSwept } from './task-store';

const pageSize = 1_000;

/** What a sweep found. */
export interface SweepReport {
  /** What each consumer was in. */
  groups: ReadonlyMap<string, KnownGroups>;
  customers: number;
  /** Customers made due because they differ from what is wanted. */
  different: number;
}

/**
 * Compares what the gateway has with what is wanted, and makes due what differs. The gateway is read in bulk, so the
 * number of calls follows from its pages; nothing is written for customers with whom all is as it should be.
 * @param isTouched whether the customer was worked on since the sweep began: what was read of it may be old
 */
export const sweepGateway = async (
  context: ReconcileContext,
  isTouched: (customerId: string) => boolean,
): Promise<SweepReport> => {
  const { database, gateway, driver, directory } = context;
  const policies = await listPolicies(database, { gatewayId: gateway.id });
  const memberships = await driver.snapshot(managedGroups(policies));
  directory.replace(memberships.map(({ consumer }) => consumer));
  const byId = new Map(memberships.map((item) => [item.consumer.id, item]));
  const features = [...new Set(policies.map(({ featureKey }) => featureKey))];
  const groups = new Map(memberships.map((item) => [item.consumer.id, item.groups]));
  const report: SweepReport = { groups, customers: 0, different: 0 };
  let after = '';
  for (;;) {
    const ids = await readManagedCustomers(database, features, after, pageSize);
    if (ids.length === 0) return report;
    after = ids.at(-1)!;
    const swept = await sweepCustomers(context, policies, features, ids, byId);
    const toSave = swept.filter(({ customerId }) => !isTouched(customerId));
    if (toSave.length > 0) await saveSwept(database, gateway.id, toSave, context.now());
    report.customers += ids.length;
    report.different += toSave.filter(({ cause }) => cause !== null).length;
  }
};

const sweepCustomers = async (
  { database, gateway, directory, now }: ReconcileContext,
  policies: readonly AccessPolicy[],
  features: readonly string[],
  ids: readonly string[],
  byId: ReadonlyMap<string, ConsumerMemberships>,
): Promise<SweptState[]> => {
  const states = await readStates(database, gateway.id, ids);
  const grounds = await readGrounds(database, ids, features, now());
  const requests = [...grounds.values()].map((own) => ({
    grounds: own,
    seen: states.get(own.customerId)?.consumers ?? [],
  }));
  const consumers = await consumersOfCustomers(database, directory, requests);
  return requests.flatMap(({ grounds: own }) => {
    const decisions = policies.map((policy) => decisionOf(policy, own));
    if (decisions.every(({ decision }) => decision.access === 'unmanaged')) return [];
    const state = states.get(own.customerId);
    const seen = (consumers.get(own.customerId) ?? []).flatMap(({ id, username, customId }) => {
      const found = byId.get(id);
      return found ? [{ id, username, customId, groups: found.groups }] : [];
    });
    // Without consumers there is nothing to compare; the task says so, and is retried slowly.
    if (seen.length === 0 && state) return [];
    const wanted = wantedMemberships(decisions);
    const isRight =
      seen.length > 0 && seen.every(({ groups }) => membershipChanges(wanted, groups).length === 0);
    const isAsSeen = state !== undefined && sameConsumers(state.consumers, seen);
    const isTold = decisions.every(
      ({ policy, decision }) =>
        policy.mode === 'enforce' ||
        decision.access === 'unmanaged' ||
        state?.observed[policy.id]?.told === decision.access,
    );
    if (isRight && isAsSeen && isTold && state.errorCode === null) return [];
    const observed = observeConsumers(
      decisions,
      seen.map(({ groups }) => groups),
      state?.observed ?? {},
      isAsSeen ? 'sweep' : 'drift',
      now(),
    );
    const told = Object.fromEntries(
      Object.entries(observed).map(([id, item]) => [
        id,
        { ...item, told: state?.observed[id]?.told ?? null },
      ]),
    );
    const cause = isRight && isTold ? null : causeOf(state, wanted);
    return [
      { customerId: own.customerId, generation: state?.generation, consumers: seen, observed: told, cause },
    ];
  });
};

/** Drift: it was left as it is wanted, and somebody else changed it. */
const causeOf = (
  state: AccessTask | undefined,
  wanted: ReadonlyMap<string, 'member' | 'absent'>,
): 'drift' | 'sweep' => {
  const wasRight =
    state !== undefined &&
    state.consumers.length > 0 &&
    state.consumers.every(({ groups }) => membershipChanges(wanted, groups).length === 0);
  return wasRight ? 'drift' : 'sweep';
};

const sameConsumers = (a: readonly SeenConsumer[], b: readonly SeenConsumer[]): boolean => {
  if (a.length !== b.length) return false;
  const byId = new Map(a.map((consumer) => [consumer.id, consumer]));
  return b.every(({ id, username, customId, groups }) => {
    const other = byId.get(id);
    if (!other || other.username !== username || other.customId !== customId) return false;
    const names = Object.keys(groups);
    return (
      names.length === Object.keys(other.groups).length &&
      names.every((name) => other.groups[name] === groups[name])
    );
  });
};
