import { AdminClient } from '../admin-client';
import { changeMember, readGroupsOf, snapshotGroups } from '../consumer-group-calls';
import { callByCall } from '../driver-limits';
import type { DriverOptions } from '../driver-options';
import { eachChange } from '../each-change';
import { getConsumer } from '../find-consumers';
import { consumerIdPrefix, type GatewayDriver, type KongConsumer, keysOf } from '../gateway-driver';
import { consumerOf, groupOf } from '../kong-rows';

/** Konnect finds no consumer by name, so all are listed; for so long a list is good enough to look others up in. */
const listAgeMs = 5_000;

/** Konnect's control-plane configuration API: consumers and groups by id, few calls at a time. */
export const openKonnect = (options: DriverOptions): GatewayDriver => {
  const { adminUrls, controlPlaneId, token, timeoutMs, concurrency, now } = options;
  const client = new AdminClient({
    baseUrl: `${adminUrls[0]!}/v2/control-planes/${controlPlaneId}/core-entities`,
    headers: token ? { Authorization: `Bearer ${token}` } : {},
    timeoutMs,
    concurrency,
    now,
  });
  const groups = new GroupIds(client);
  const idOf = (group: string) => groups.idOf(group);
  return {
    limits: callByCall,
    readyInMs: () => 0,
    probe: async () => {
      await client.call('GET', '/consumer_groups?size=1');
      return { version: null, edition: 'konnect', database: null, nodes: 1 };
    },
    snapshot: async (names) => {
      await groups.load();
      return snapshotGroups(client, names, idOf);
    },
    find: createFind(client),
    read: (consumers, names) => readGroupsOf(client, concurrency, consumers, names),
    change: (changes) =>
      eachChange(changes, concurrency, async (change) => {
        try {
          return await changeMember(client, change, idOf);
        } catch (error) {
          // A group that was made anew has another id.
          groups.forget(change.group);
          throw error;
        }
      }),
  };
};

/** Ids of groups by name, read once and again when one is not known. */
class GroupIds {
  private ids = new Map<string, string>();
  private loading: Promise<void> | undefined;

  constructor(private readonly client: AdminClient) {}

  /** Those who ask while the groups are being read wait for the same answer. */
  load(): Promise<void> {
    this.loading ??= this.read().finally(() => {
      this.loading = undefined;
    });
    return this.loading;
  }

  private async read(): Promise<void> {
    const rows = (await this.client.list('/consumer_groups')).map(groupOf);
    this.ids = new Map(rows.map(({ id, name }) => [name, id]));
  }

  async idOf(name: string): Promise<string | undefined> {
    if (!this.ids.has(name)) await this.load();
    return this.ids.get(name);
  }

  forget(name: string): void {
    this.ids.delete(name);
  }
}

const createFind = (client: AdminClient): GatewayDriver['find'] => {
  let listed: { at: number; consumers: Promise<KongConsumer[]> } | undefined;
  const list = (): Promise<KongConsumer[]> => {
    if (!listed || performance.now() - listed.at > listAgeMs) {
      const consumers = client.list('/consumers').then((rows) => rows.map(consumerOf));
      listed = { at: performance.now(), consumers };
      consumers.catch(() => {
        listed = undefined;
      });
    }
    return listed.consumers;
  };
  return async (keys) => {
    const found = new Map<string, KongConsumer>();
    for (const key of keys) {
      if (!key.startsWith(consumerIdPrefix)) continue;
      const consumer = await getConsumer(client, key.slice(consumerIdPrefix.length));
      if (consumer) found.set(consumer.id, consumer);
    }
    const named = new Set(keys.filter((key) => !key.startsWith(consumerIdPrefix)));
    if (named.size === 0) return [...found.values()];
    for (const consumer of await list()) {
      if (keysOf(consumer).some((key) => named.has(key))) found.set(consumer.id, consumer);
    }
    return [...found.values()];
  };
};
