import type { Entitlements, SettleAfterIngest } from '../entitlements';
import type { Clock } from '../primitives/clock';
import type { IdentifierSource } from '../primitives/identifiers';
import type { Database } from '../storage';
import { type Addons, createAddons } from './addons/addons';
import { createPlanAddons, type PlanAddons } from './addons/plan-addons';
import { createBillingScheduler } from './billing-scheduler';
import { gatherLines } from './invoices/gather-lines';
import { deletePendingLines } from './invoices/invoice-line-store';
import { createInvoices, type Invoices } from './invoices/invoices';
import { createMoveInvoices } from './invoices/move-invoices';
import { type InvoiceTerms, sandboxPayment } from './invoices/next-step';
import type { TellInvoice } from './invoices/tell-invoices';
import { createPlans, type Plans } from './plans/plans';
import { setNextLinesAt } from './subscriptions/subscription-store';
import {
  createSubscriptions,
  type SubscriptionFollower,
  type Subscriptions,
} from './subscriptions/subscriptions';

/** How often the scheduler looks for what is due. */
const intervalMs = 1_000;

export interface BillingOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
  entitlements: Entitlements;
  settleAfterIngest: SettleAfterIngest;
  terms: InvoiceTerms;
  tell: TellInvoice;
  onError: (error: unknown) => void;
}

/** The stage: what is administered, and the work beside requests. */
export interface Billing {
  plans: Plans;
  addons: Addons;
  planAddons: PlanAddons;
  subscriptions: Subscriptions;
  invoices: Invoices;
  /** Does everything that is due now. */
  runDue(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

export const createBilling = (options: BillingOptions): Billing => {
  const { database, clock, newId, terms, tell, onError } = options;
  const moves = createMoveInvoices({ newId, terms, tell, collectPayment: sandboxPayment });
  /** Lines that are not invoiced yet are laid out anew; those that are stay as they were billed. */
  const follower: SubscriptionFollower = {
    changed: async (transaction, subscription, now) => {
      await deletePendingLines(transaction, subscription.id, subscription.customerId);
      const fromTheStart = { ...subscription, nextLinesAt: subscription.activeFrom };
      await setNextLinesAt(transaction, await gatherLines(transaction, [fromTheStart], newId, now));
    },
  };
  const { runDue, start, stop } = createBillingScheduler({
    database,
    clock,
    newId,
    moves,
    intervalMs,
    onError,
  });
  return {
    plans: createPlans(options),
    addons: createAddons(options),
    planAddons: createPlanAddons(options),
    subscriptions: createSubscriptions({ ...options, follower }),
    invoices: createInvoices({ database, clock, newId, terms, moves }),
    runDue,
    start,
    stop,
  };
};
