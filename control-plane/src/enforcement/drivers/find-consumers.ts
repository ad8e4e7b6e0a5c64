import type { AdminClient } from './admin-client';
import { consumerIdPrefix, type KongConsumer } from './gateway-driver';
import { consumerOf } from './kong-rows';

/**
 * Looks consumers up by their keys: by username and id in the path, by custom_id only with a filter (Kong finds no
 * custom_id in the path).
 */
export const findConsumers = async (
  client: AdminClient,
  keys: readonly string[],
): Promise<KongConsumer[]> => {
  const found = new Map<string, KongConsumer>();
  for (const key of keys) {
    for (const consumer of await findByKey(client, key)) found.set(consumer.id, consumer);
  }
  return [...found.values()];
};

const findByKey = async (client: AdminClient, key: string): Promise<KongConsumer[]> => {
  if (key.startsWith(consumerIdPrefix)) {
    const byId = await getConsumer(client, key.slice(consumerIdPrefix.length));
    return byId && `${consumerIdPrefix}${byId.id}` === key ? [byId] : [];
  }
  const named = await getConsumer(client, key);
  const filtered = await client.call('GET', `/consumers?custom_id=${encodeURIComponent(key)}`);
  const rows = filtered.status === 200 ? ((filtered.body as { data?: unknown[] }).data ?? []) : [];
  // A Kong that does not know the filter would list everybody.
  const byCustomId = rows.map(consumerOf).filter(({ customId }) => customId === key);
  return [...(named?.username === key ? [named] : []), ...byCustomId];
};

/** One consumer by what Kong takes in the path. */
export const getConsumer = async (client: AdminClient, name: string): Promise<KongConsumer | undefined> => {
  if (name === '') return undefined;
  const { status, body } = await client.call('GET', `/consumers/${encodeURIComponent(name)}`);
  return status === 200 ? consumerOf(body) : undefined;
};
