import type { Consumer, ConsumerGroup, ConsumerGroupMember } from '../entities/entity';
import type { EntityStore } from '../entities/entity-store';
import type { EntityTable } from '../entities/entity-table';
import { type AdminAnswer, type AdminRequest, methodNotAllowed } from './admin-answer';
import { operationUnsupported } from './admin-errors';
import { announce, type EntityContext, isUuid } from './entity-endpoints';
import { page } from './paging';

/** How consumers and groups are found, and what repeating a call answers. */
export interface MembershipRules {
  /** Konnect finds by id only. */
  uuidOnly: boolean;
  /** Adding a member again or removing one that is not there is an error (409, 404), not a success. */
  isStrict: boolean;
}

interface Membership {
  context: EntityContext;
  request: AdminRequest;
  rules: MembershipRules;
  store: EntityStore;
  members: EntityTable<ConsumerGroupMember>;
}

/**
 * The members of consumer groups, from both sides:
 * `/consumer_groups/{g}`, `/consumer_groups/{g}/consumers[/{c}]` and `/consumers/{c}/consumer_groups[/{g}]`.
 * Undefined when the path is none of these.
 */
export function consumerGroupEndpoint(
  context: EntityContext,
  request: AdminRequest,
  rules: MembershipRules,
): AdminAnswer | undefined {
  const { store } = context.configuration;
  const [collection, id, nested, nestedId, ...rest] = request.segments;
  if (id === undefined || rest.length > 0 || !store.findTable('consumer_groups')) return undefined;
  const membership = { context, request, rules, store, members: store.table('consumer_group_consumers') };
  if (collection === 'consumer_groups' && nested === undefined && request.method === 'GET') {
    return describeGroup(membership, id);
  }
  if (collection === 'consumer_groups' && nested === 'consumers') return fromGroup(membership, id, nestedId);
  if (collection === 'consumers' && nested === 'consumer_groups')
    return fromConsumer(membership, id, nestedId);
  return undefined;
}

function describeGroup(membership: Membership, id: string): AdminAnswer {
  const group = findGroup(membership, id);
  if (!group) return groupNotFound(id);
  const isShort = membership.request.query.get('list_consumers') === 'false';
  const consumers = isShort ? {} : { consumers: consumersOf(membership, group) };
  return { status: 200, body: { consumer_group: group, ...consumers } };
}

function fromGroup(membership: Membership, id: string, consumerId: string | undefined): AdminAnswer {
  const { request, context, members } = membership;
  const group = findGroup(membership, id);
  if (!group) return groupNotFound(id);
  if (consumerId !== undefined) {
    const consumer = findConsumer(membership, consumerId);
    return request.method === 'DELETE'
      ? removeMember(membership, group, consumer, consumerId)
      : methodNotAllowed;
  }
  switch (request.method) {
    case 'GET':
      return list(membership, consumersOf(membership, group), 'consumers');
    case 'POST':
      return addConsumers(membership, group);
    case 'DELETE':
      return removeAll(context, members, members.listBy('consumer_group', group.id));
    default:
      return methodNotAllowed;
  }
}

function fromConsumer(membership: Membership, id: string, groupId: string | undefined): AdminAnswer {
  const { request, context, members } = membership;
  const consumer = findConsumer(membership, id);
  if (!consumer) return consumerNotFound(id);
  if (groupId !== undefined) {
    const group = findGroup(membership, groupId);
    if (!group) return groupNotFound(groupId);
    return request.method === 'DELETE' ? removeMember(membership, group, consumer, id) : methodNotAllowed;
  }
  switch (request.method) {
    case 'GET':
      return list(membership, groupsOf(membership, consumer), 'consumer_groups');
    case 'POST':
      return addGroups(membership, consumer);
    case 'DELETE':
      return removeAll(context, members, members.listBy('consumer', consumer.id));
    default:
      return methodNotAllowed;
  }
}

/** All are looked up before any is added, so one that is a member already refuses the whole call. */
function addConsumers(membership: Membership, group: ConsumerGroup): AdminAnswer {
  const names = listGiven(membership.request.fields.consumer);
  if (!names) return { status: 400, body: { message: 'must provide consumer' } };
  const consumers: Consumer[] = [];
  for (const name of names) {
    const consumer = findConsumer(membership, name);
    if (!consumer) return consumerNotFound(name);
    if (membership.rules.isStrict && isMember(membership, group, consumer)) return alreadyMember(name, group);
    consumers.push(consumer);
  }
  if (membership.context.mode === 'dbless') return operationUnsupported('POST', 'consumer_group_consumers');
  for (const consumer of consumers) add(membership, group, consumer);
  return { status: 201, body: { consumer_group: group, consumers } };
}

function addGroups(membership: Membership, consumer: Consumer): AdminAnswer {
  const names = listGiven(membership.request.fields.group);
  if (!names) return { status: 400, body: { message: 'must provide group' } };
  const groups: ConsumerGroup[] = [];
  for (const name of names) {
    const group = findGroup(membership, name);
    if (!group) return groupNotFound(name);
    if (membership.rules.isStrict && isMember(membership, group, consumer)) {
      return alreadyMember(consumer.username ?? consumer.id, group);
    }
    groups.push(group);
  }
  if (membership.context.mode === 'dbless') return operationUnsupported('POST', 'consumer_group_consumers');
  for (const group of groups) add(membership, group, consumer);
  return { status: 201, body: { consumer, consumer_groups: groups } };
}

function add(membership: Membership, group: ConsumerGroup, consumer: Consumer): void {
  const { context, members } = membership;
  if (isMember(membership, group, consumer)) return;
  const now = context.nowSeconds();
  const row: ConsumerGroupMember = {
    id: context.randomUuid(),
    consumer_group: { id: group.id },
    consumer: { id: consumer.id },
    tags: null,
    created_at: now,
    updated_at: now,
  };
  members.put(row);
  announce(context, members as unknown as EntityTable, row);
}

function removeMember(
  membership: Membership,
  group: ConsumerGroup,
  consumer: Consumer | undefined,
  name: string,
): AdminAnswer {
  const { context, members, rules } = membership;
  const row = consumer && memberRow(membership, group, consumer);
  if (row) return removeAll(context, members, [row]);
  if (!rules.isStrict) return { status: 204 };
  return { status: 404, body: { message: `Consumer '${name}' not found in Group '${group.name}'` } };
}

function removeAll(
  context: EntityContext,
  members: EntityTable<ConsumerGroupMember>,
  rows: readonly ConsumerGroupMember[],
): AdminAnswer {
  if (context.mode === 'dbless') return operationUnsupported('DELETE', 'consumer_group_consumers');
  for (const row of rows) {
    members.remove(row.id);
    announce(context, members as unknown as EntityTable, row);
  }
  return { status: 204 };
}

function list(
  membership: Membership,
  rows: readonly (Consumer | ConsumerGroup)[],
  table: string,
): AdminAnswer {
  const { request, context } = membership;
  const sorted = [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));
  const path = `/${request.segments.map(encodeURIComponent).join('/')}`;
  return page({ rows: sorted, query: request.query, path, table, mode: context.mode });
}

function consumersOf({ store, members }: Membership, group: ConsumerGroup): Consumer[] {
  return members
    .listBy('consumer_group', group.id)
    .map((row) => store.table('consumers').get(row.consumer.id)!);
}

function groupsOf({ store, members }: Membership, consumer: Consumer): ConsumerGroup[] {
  return members.listBy('consumer', consumer.id).map((row) => {
    const group = store.table('consumer_groups').get(row.consumer_group.id)!;
    return { ...group, consumers_count: members.listBy('consumer_group', group.id).length };
  });
}

function memberRow(
  { members }: Membership,
  group: ConsumerGroup,
  consumer: Consumer,
): ConsumerGroupMember | undefined {
  return members.findUnique({ consumer_group: { id: group.id }, consumer: { id: consumer.id } });
}

function isMember(membership: Membership, group: ConsumerGroup, consumer: Consumer): boolean {
  return memberRow(membership, group, consumer) !== undefined;
}

function findGroup({ store, rules }: Membership, id: string): ConsumerGroup | undefined {
  return rules.uuidOnly && !isUuid(id) ? undefined : store.table('consumer_groups').find(id);
}

function findConsumer({ store, rules }: Membership, id: string): Consumer | undefined {
  return rules.uuidOnly && !isUuid(id) ? undefined : store.table('consumers').find(id);
}

function listGiven(value: unknown): string[] | undefined {
  const given = Array.isArray(value) ? value : [value];
  return given.length > 0 && given.every((item) => typeof item === 'string' && item !== '')
    ? (given as string[])
    : undefined;
}

function groupNotFound(name: string): AdminAnswer {
  return { status: 404, body: { message: `Group '${name}' not found` } };
}

function consumerNotFound(name: string): AdminAnswer {
  return { status: 404, body: { message: `Consumer '${name}' not found` } };
}

function alreadyMember(name: string, group: ConsumerGroup): AdminAnswer {
  return { status: 409, body: { message: `Consumer '${name}' already in group '${group.id}'` } };
}
