import { AdminClient, messageOf } from '../admin-client';
import { callByCall } from '../driver-limits';
import type { DriverOptions } from '../driver-options';
import { eachChange, eachOf } from '../each-change';
import { findConsumers } from '../find-consumers';
import {
  type ChangeOutcome,
  type ConsumerMemberships,
  consumerIdPrefix,
  type GatewayDriver,
  type KongConsumer,
  type MembershipChange,
} from '../gateway-driver';
import { GatewayError } from '../gateway-error';
import { aclOf, consumerOf, membershipsOf } from '../kong-rows';
import { probeAdmin } from '../probe-admin';

/** Kong with a database, whose groups are rows of the acl plugin: Admin API `/consumers/{c}/acls/{group}`. */
export const openKongAcl = (options: DriverOptions): GatewayDriver => {
  const client = new AdminClient({
    baseUrl: options.adminUrls[0]!,
    headers: options.token ? { 'Kong-Admin-Token': options.token } : {},
    timeoutMs: options.timeoutMs,
    concurrency: options.concurrency,
    now: options.now,
  });
  return {
    limits: callByCall,
    readyInMs: () => 0,
    probe: () => probeAdmin(client),
    snapshot: (groups) => snapshot(client, groups),
    find: (keys) => findConsumers(client, keys),
    read: (consumers, groups) => read(client, options.concurrency, consumers, groups),
    change: (changes) => eachChange(changes, options.concurrency, (change) => make(client, change)),
  };
};

const snapshot = async (client: AdminClient, groups: readonly string[]): Promise<ConsumerMemberships[]> => {
  const consumers = (await client.list('/consumers')).map(consumerOf);
  const members = new Set(
    (await client.list('/acls')).map(aclOf).map(({ consumerId, group }) => `${consumerId} ${group}`),
  );
  return membershipsOf(consumers, groups, (id, group) => members.has(`${id} ${group}`));
};

const read = async (
  client: AdminClient,
  concurrency: number,
  consumers: readonly KongConsumer[],
  groups: readonly string[],
): Promise<ConsumerMemberships[]> => {
  const found: ConsumerMemberships[] = [];
  await eachOf(consumers, concurrency, async (consumer) => {
    const rows = await client.listIfPresent(`/consumers/${consumer.id}/acls`);
    if (!rows) return;
    const own = new Set(rows.map((row) => aclOf(row).group));
    found.push(...membershipsOf([consumer], groups, (_, group) => own.has(group)));
  });
  return found;
};

/** PUT is idempotent by the group's name; DELETE of what is not there answers 404, as does one of a consumer that is gone. */
const make = async (client: AdminClient, change: MembershipChange): Promise<ChangeOutcome> => {
  const { consumer, group, action } = change;
  const method = action === 'add' ? 'PUT' : 'DELETE';
  const { status, body } = await client.call(
    method,
    `/consumers/${consumer.id}/acls/${encodeURIComponent(group)}`,
    action === 'add' ? {} : undefined,
  );
  const answer = `${method} ${status}`;
  if (status === 200 || status === 201 || status === 204) return { outcome: 'done', answer };
  if (status === 409) return { outcome: 'already', answer };
  if (status === 404) {
    const { status: found } = await client.call('GET', `/consumers/${consumer.id}`);
    if (action === 'remove' && found === 200) return { outcome: 'already', answer };
    throw new GatewayError(
      'consumer_missing',
      `the gateway has no consumer "${consumer.username ?? `${consumerIdPrefix}${consumer.id}`}" (${messageOf(body)})`,
    );
  }
  if (status === 405) {
    throw new GatewayError('misconfigured', 'the gateway has no database; use the driver kong-dbless');
  }
  throw new GatewayError('refused', `${answer} ${messageOf(body)}`);
};
