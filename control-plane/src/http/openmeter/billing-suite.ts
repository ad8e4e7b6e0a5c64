import type { Billing } from '../../billing';
import type { Customers } from '../../customers';
import type { Clock } from '../../primitives/clock';
import type { Database } from '../../storage';
import type { Route } from '../route';
import { addonRoutes } from './addons-routes';
import { invoiceRoutes } from './invoices-routes';
import { planAddonRoutes } from './plan-addons-routes';
import { planRoutes } from './plans-routes';
import { subscriptionRoutes } from './subscriptions-routes';

export interface BillingSuiteOptions {
  billing: Billing;
  customers: Customers;
  database: Database;
  clock: Clock;
}

/** Every route of billing. */
export const billingSuite = ({ billing, customers, database, clock }: BillingSuiteOptions): Route[] => [
  ...planRoutes({ plans: billing.plans, database, clock }),
  ...addonRoutes({ addons: billing.addons, database, clock }),
  ...planAddonRoutes({ plans: billing.plans, planAddons: billing.planAddons, database, clock }),
  ...subscriptionRoutes({ subscriptions: billing.subscriptions, customers, database, clock }),
  ...invoiceRoutes(billing.invoices),
];
