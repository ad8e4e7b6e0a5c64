export {
  type Addon,
  type AddonDetails,
  addonStatuses,
  instanceTypes,
  type PlanAddon,
  statusOfAddon,
} from './addons/addon';
export { listAddons } from './addons/addon-store';
export type { Addons } from './addons/addons';
export { listPlanAddons } from './addons/plan-addon-store';
export type { PlanAddons } from './addons/plan-addons';
export { type Billing, createBilling } from './billing';
export { invoiceStatuses } from './invoices/invoice';
export type { InvoiceDocument } from './invoices/invoice-document';
export type { Invoices } from './invoices/invoices';
export type { NewLine } from './invoices/manual-lines';
export { type Plan, type PlanDetails, planStatuses, statusOfPlan } from './plans/plan';
export { listPlans, searchPlans } from './plans/plan-store';
export type { Plans } from './plans/plans';
export type { DiscountTerms, PriceTerms, RateCard } from './plans/rate-card';
export type { EditOperation } from './subscriptions/edit-phases';
export { refuseWhileSubscribed } from './subscriptions/refuse-while-subscribed';
export {
  endOfPhase,
  type Subscription,
  type SubscriptionPhase,
  spanOfItem,
  statusOfSubscription,
  subscriptionStatuses,
} from './subscriptions/subscription';
export { listSubscriptions, searchSubscriptions } from './subscriptions/subscription-store';
export type { NewSubscription, Subscriptions } from './subscriptions/subscriptions';
