import { AdminClient } from '../admin-client';
import type { DriverOptions } from '../driver-options';
import {
  type ChangeOutcome,
  type ConsumerMemberships,
  type GatewayDriver,
  type KongConsumer,
  keysOf,
  type Membership,
  type MembershipChange,
} from '../gateway-driver';
import { GatewayError } from '../gateway-error';
import { probeAdmin } from '../probe-admin';
import type { DeclarativeDocument } from './declarative-document';
import { DblessNode } from './node';

/** At most one POST /config in this time a node: each makes Kong build its whole configuration anew. */
const minimumIntervalMs = 1_000;

/** Customers whose changes go out together. */
const batch = 20_000;

/**
 * Kong without a database: every node is sent the whole configuration, with the rows of the consumers that change
 * changed. However many consumers change, a node gets one POST a second; the first goes out at once.
 */
export const openKongDbless = (options: DriverOptions): GatewayDriver => {
  const clients = options.adminUrls.map((baseUrl) => ({
    baseUrl,
    client: new AdminClient({
      baseUrl,
      headers: options.token ? { 'Kong-Admin-Token': options.token } : {},
      timeoutMs: options.timeoutMs,
      concurrency: options.concurrency,
      now: options.now,
    }),
  }));
  const nodes = clients.map(({ baseUrl, client }) => new DblessNode(baseUrl, client, 'acls'));
  return {
    limits: { concurrency: 1, batch, isOneCall: true },
    readyInMs: () => {
      const lastPostAt = Math.max(...nodes.map(({ postedAt }) => postedAt));
      return Math.max(0, lastPostAt + minimumIntervalMs - performance.now());
    },
    probe: async () => {
      const probes = await onAll(
        clients,
        ({ client }) => probeAdmin(client),
        ({ baseUrl }) => baseUrl,
      );
      return { ...probes[0]!, nodes: probes.length };
    },
    snapshot: async (groups) => {
      const documents = await readAll(nodes);
      return memberships(documents, consumersOf(documents), groups);
    },
    find: async (keys) => {
      const wanted = new Set(keys);
      return consumersOf(await readAll(nodes)).filter((consumer) =>
        keysOf(consumer).some((key) => wanted.has(key)),
      );
    },
    read: async (consumers, groups) => {
      const documents = await readAll(nodes);
      const present = consumers.filter(({ id }) => documents.some((document) => document.consumers.has(id)));
      return memberships(documents, present, groups);
    },
    change: async (changes) => {
      const answers = await onAll(
        nodes,
        (node) => changeNode(node, changes),
        ({ adminUrl }) => adminUrl,
      );
      return changes.map((_, index) => merge(answers.map((answer) => answer[index]!)));
    },
  };
};

const readAll = (nodes: readonly DblessNode[]): Promise<DeclarativeDocument[]> =>
  onAll(
    nodes,
    (node) => node.read(),
    ({ adminUrl }) => adminUrl,
  );

/** Every node is tried even when one fails, so that those that can, follow; then the first failure is told, with its node. */
const onAll = async <N, T>(
  nodes: readonly N[],
  act: (node: N) => Promise<T>,
  nameOf: (node: N) => string,
): Promise<T[]> => {
  const results = await Promise.allSettled(nodes.map(act));
  return results.map((result, index) => {
    if (result.status === 'fulfilled') return result.value;
    const { reason } = result as { reason: unknown };
    if (!(reason instanceof GatewayError) || nodes.length === 1) throw reason;
    throw new GatewayError(
      reason.code,
      `${nameOf(nodes[index]!)}: ${reason.message}`,
      reason.retryAfterMs,
      reason,
    );
  });
};

const consumersOf = (documents: readonly DeclarativeDocument[]): KongConsumer[] => [
  ...new Map(documents.flatMap(({ consumers }) => [...consumers])).values(),
];

const memberships = (
  documents: readonly DeclarativeDocument[],
  consumers: readonly KongConsumer[],
  groups: readonly string[],
): ConsumerMemberships[] =>
  consumers.map((consumer) => ({
    consumer,
    groups: Object.fromEntries(groups.map((group) => [group, membership(documents, consumer.id, group)])),
  }));

const membership = (documents: readonly DeclarativeDocument[], id: string, group: string): Membership => {
  const count = documents.filter((document) => document.isMember(id, group)).length;
  if (count === 0) return 'absent';
  return count === documents.length ? 'member' : 'some';
};

const changeNode = async (
  node: DblessNode,
  changes: readonly MembershipChange[],
): Promise<ChangeOutcome[]> => {
  const document = (await node.read()).copy();
  const outcomes = changes.map((change) => edit(document, change));
  const isChanged = outcomes.some(({ outcome }) => outcome === 'done');
  if (!isChanged) return outcomes;
  const answer = await node.write(document);
  return outcomes.map((outcome) => (outcome.outcome === 'done' ? { ...outcome, answer } : outcome));
};

const edit = (
  document: DeclarativeDocument,
  { consumer, group, action }: MembershipChange,
): ChangeOutcome => {
  if (!document.consumers.has(consumer.id)) {
    if (action === 'remove') return { outcome: 'already', answer: 'no such consumer' };
    const message = `the configuration has no consumer "${consumer.username ?? consumer.id}"`;
    return { outcome: 'failed', error: new GatewayError('consumer_missing', message) };
  }
  const isWanted = action === 'add';
  if (document.isMember(consumer.id, group) === isWanted) return { outcome: 'already', answer: 'as it was' };
  if (isWanted) document.add(consumer.id, group);
  else document.remove(consumer.id, group);
  return { outcome: 'done', answer: '' };
};

/** Over the nodes: failed if any failed, done if any was changed. */
const merge = (outcomes: readonly ChangeOutcome[]): ChangeOutcome =>
  outcomes.find(({ outcome }) => outcome === 'failed') ??
  outcomes.find(({ outcome }) => outcome === 'done') ??
  outcomes[0]!;
