import type { Queryable } from '../storage';
import { type ConsumerDirectory, ownerOf } from './consumer-directory';
import { type KongConsumer, keysOf } from './drivers/gateway-driver';
import { type CustomerGrounds, readOwners } from './grounds-store';
import type { SeenConsumer } from './task-store';

/** A customer whose consumers are wanted, with those that were seen before. */
export interface ConsumerRequest {
  grounds: CustomerGrounds;
  seen: readonly SeenConsumer[];
}

/**
 * The consumers of customers, as far as the directory knows them. A customer that was deleted has no subjects any more; its
 * consumers are those that were seen last, unless they have become somebody else's.
 */
export const consumersOfCustomers = async (
  queryable: Queryable,
  directory: ConsumerDirectory,
  requests: readonly ConsumerRequest[],
): Promise<Map<string, KongConsumer[]>> => {
  const candidates = requests.map((request) => ({ request, consumers: candidatesOf(directory, request) }));
  const keys = new Set(candidates.flatMap(({ consumers }) => consumers.flatMap(keysOf)));
  const owners = await readOwners(queryable, [...keys]);
  return new Map(
    candidates.map(({ request: { grounds }, consumers }) => [
      grounds.customerId,
      consumers.filter((consumer) => {
        const owner = ownerOf(consumer, owners);
        return owner === grounds.customerId || (owner === undefined && grounds.subjects.length === 0);
      }),
    ]),
  );
};

const candidatesOf = (directory: ConsumerDirectory, { grounds, seen }: ConsumerRequest): KongConsumer[] =>
  grounds.subjects.length > 0
    ? directory.consumersOf(grounds.subjects)
    : seen.map(({ id, username, customId }) => ({ id, username, customId, tags: [] }));
