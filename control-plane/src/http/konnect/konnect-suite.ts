import type { Billing } from '../../billing';
import { type Features, featureIdsByKey } from '../../catalog';
import type { Customers } from '../../customers';
import type { ValueReader } from '../../entitlements';
import type { MeterCatalog } from '../../metering';
import type { Clock } from '../../primitives/clock';
import type { Database } from '../../storage';
import type { Route } from '../route';
import { chargesRoute } from './charges-route';
import { customersRoutes } from './customers-routes';
import { entitlementAccessRoutes } from './entitlement-access-routes';
import { featuresRoutes } from './features-routes';
import { meterQueryRoute } from './meter-query-route';
import { metersRoutes } from './meters-routes';
import { plansRoutes } from './plans-routes';
import { konnectPrefixes, konnectProblem } from './problem-shape';
import { subscriptionsRoutes } from './subscriptions-routes';

export interface KonnectSuiteOptions {
  billing: Billing;
  customers: Customers;
  features: Features;
  meters: MeterCatalog;
  values: ValueReader;
  database: Database;
  clock: Clock;
}

/** OpenMeter's v3 API, under the path where OpenMeter serves it and the one where Konnect does. */
export const konnectSuite = (options: KonnectSuiteOptions): Route[] => {
  const { billing, clock, database } = options;
  const routes = [
    ...metersRoutes(options),
    meterQueryRoute(options),
    ...featuresRoutes(options),
    ...customersRoutes(options),
    chargesRoute({
      ...options,
      invoices: billing.invoices,
      featureIds: (keys) => featureIdsByKey(database, keys),
      now: () => clock.now(),
    }),
    ...plansRoutes({ ...options, plans: billing.plans }),
    ...subscriptionsRoutes({
      ...options,
      subscriptions: billing.subscriptions,
      plans: billing.plans,
    }),
    ...entitlementAccessRoutes(options),
  ];
  return konnectPrefixes.flatMap((prefix) =>
    routes.map((route) => ({
      ...route,
      path: `${prefix}${route.path}`,
      errorBody: konnectProblem,
      errorType: 'application/problem+json',
    })),
  );
};
