import { type AdminClient, messageOf } from './admin-client';
import { eachOf } from './each-change';
import type { ChangeOutcome, ConsumerMemberships, KongConsumer, MembershipChange } from './gateway-driver';
import { GatewayError } from './gateway-error';
import { consumerOf, groupOf, membershipsOf } from './kong-rows';

/** How a group is named in a path: by its name, or by its id where only ids are taken. */
export type GroupReference = (group: string) => Promise<string | undefined>;

/** Every consumer and the members of each group, by pages. A group that does not exist has no members. */
export const snapshotGroups = async (
  client: AdminClient,
  groups: readonly string[],
  referenceTo: GroupReference,
): Promise<ConsumerMemberships[]> => {
  const consumers = (await client.list('/consumers')).map(consumerOf);
  const members = new Map<string, Set<string>>();
  for (const group of groups) {
    const reference = await referenceTo(group);
    const rows =
      reference === undefined
        ? undefined
        : await client.listIfPresent(`/consumer_groups/${encodeURIComponent(reference)}/consumers`);
    members.set(group, new Set((rows ?? []).map((row) => consumerOf(row).id)));
  }
  return membershipsOf(consumers, groups, (id, group) => members.get(group)!.has(id));
};

/** The groups of single consumers; those that are gone are left out. */
export const readGroupsOf = async (
  client: AdminClient,
  concurrency: number,
  consumers: readonly KongConsumer[],
  groups: readonly string[],
): Promise<ConsumerMemberships[]> => {
  const found: ConsumerMemberships[] = [];
  await eachOf(consumers, concurrency, async (consumer) => {
    const rows = await client.listIfPresent(`/consumers/${consumer.id}/consumer_groups`);
    if (!rows) return;
    const own = new Set(rows.map((row) => groupOf(row).name));
    found.push(...membershipsOf([consumer], groups, (_, group) => own.has(group)));
  });
  return found;
};

/**
 * Adds or removes one member. Adding a member again answers 409, removing one that is none 404; a 404 may also mean that
 * the group or the consumer is gone, so they are looked for then. Lists of consumers are not used: one that is a member
 * already would refuse all of them.
 */
export const changeMember = async (
  client: AdminClient,
  { consumer, group, action }: MembershipChange,
  referenceTo: GroupReference,
): Promise<ChangeOutcome> => {
  const reference = await referenceTo(group);
  if (reference === undefined) throw groupMissing(group);
  const path = `/consumer_groups/${encodeURIComponent(reference)}`;
  const { status, body } =
    action === 'add'
      ? await client.call('POST', `${path}/consumers`, { consumer: consumer.id })
      : await client.call('DELETE', `${path}/consumers/${consumer.id}`);
  const answer = `${action === 'add' ? 'POST' : 'DELETE'} ${status}`;
  if (status === 200 || status === 201 || status === 204) return { outcome: 'done', answer };
  if (status === 409) return { outcome: 'already', answer };
  if (status !== 404) throw new GatewayError('refused', `${answer} ${messageOf(body)}`);
  const isThere = async (where: string) => (await client.call('GET', where)).status === 200;
  if (!(await isThere(`/consumers/${consumer.id}`))) {
    throw new GatewayError(
      'consumer_missing',
      `the gateway has no consumer "${consumer.username ?? consumer.id}" any more`,
    );
  }
  if (!(await isThere(path))) throw groupMissing(group);
  if (action === 'remove') return { outcome: 'already', answer };
  throw new GatewayError('refused', `${answer} ${messageOf(body)}`);
};

const groupMissing = (group: string): GatewayError =>
  new GatewayError('group_missing', `the gateway has no consumer group "${group}"; create it there`);
