import type { Billing } from '../../billing';
import type { Customers } from '../../customers';
import type { Clock } from '../../primitives/clock';
import type { Database } from '../../storage';
import type { Route } from '../route';
import { invoiceRoutes } from './invoices-routes';
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
  ...subscriptionRoutes({ subscriptions: billing.subscriptions, customers, database, clock }),
  ...invoiceRoutes(billing.invoices),
];
