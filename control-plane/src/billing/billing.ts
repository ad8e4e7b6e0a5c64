import type { Entitlements, SettleAfterIngest } from '../entitlements';
import type { Clock } from '../primitives/clock';
import type { IdentifierSource } from '../primitives/identifiers';
import type { Database } from '../storage';
import { createPlans, type Plans } from './plans/plans';
import { createSubscriptions, type Subscriptions } from './subscriptions/subscriptions';

export interface BillingOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
  entitlements: Entitlements;
  settleAfterIngest: SettleAfterIngest;
}

/** The stage: what is administered. */
export interface Billing {
  plans: Plans;
  subscriptions: Subscriptions;
}

export const createBilling = (options: BillingOptions): Billing => ({
  plans: createPlans(options),
  subscriptions: createSubscriptions(options),
});
