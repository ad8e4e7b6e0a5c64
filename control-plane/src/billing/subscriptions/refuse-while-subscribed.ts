import { conflict } from '../../primitives/refusal';
import type { Queryable } from '../../storage';
import { overlappingSubscriptions } from './subscription-store';

/**
 * Keeps a customer from being deleted while it has a subscription, or one to come: nobody could be billed for it.
 * @throws Refusal `customer_subscribed`
 */
export const refuseWhileSubscribed = async (
  queryable: Queryable,
  customerId: string,
  now: number,
): Promise<void> => {
  const [subscription] = await overlappingSubscriptions(queryable, customerId, now);
  if (!subscription) return;
  const message = `the customer has the subscription "${subscription.name}"; cancel it first`;
  throw conflict('customer_subscribed', message, { conflictingEntityId: subscription.id });
};
