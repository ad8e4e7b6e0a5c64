import type { CustomerFollower } from '../customers';
import { entitlementIdsOfCustomer } from './entitlement-store';
import type { Entitlements } from './entitlements';
import type { SettleAfterIngest } from './settle-after-ingest';

/** Long before any event: every snapshot is made anew, since it was made from other subjects. */
const sinceEver = 0;

/** What a change of a customer means for its entitlements. */
export const followCustomers = (
  entitlements: Pick<Entitlements, 'endWithin'>,
  settleAfterIngest: SettleAfterIngest,
): CustomerFollower => ({
  subjectsChanged: async (transaction, customerId, now) => {
    const ids = await entitlementIdsOfCustomer(transaction, customerId);
    if (ids.length === 0) return undefined;
    const changes = ids.map((entitlementId) => ({ entitlementId, changedFrom: sinceEver }));
    await settleAfterIngest.within(transaction, changes, 'subjects_changed', now);
    return () => settleAfterIngest.after(changes, 'subjects_changed');
  },

  customerDeleted: async (transaction, customerId, now) => {
    const ids = await entitlementIdsOfCustomer(transaction, customerId);
    if (ids.length > 0) await entitlements.endWithin(transaction, ids, 'customer_deleted', now);
  },
});
