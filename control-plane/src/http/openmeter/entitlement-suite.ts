import type { IdentifierSource } from '../../primitives/identifiers';
import type { Route } from '../route';
import { historyRoute } from './entitlement-history-route';
import { customerPath, subjectPath } from './entitlement-holders';
import {
  allEntitlementsRoutes,
  customerValueRoute,
  type EntitlementRoutesOptions,
  entitlementRoutes,
} from './entitlements-routes';
import { allGrantsRoutes, grantRoutes } from './grants-routes';

/** Every route of OpenMeter's entitlements and grants: v1 by subject, v2 by customer. */
export const entitlementSuite = (
  options: EntitlementRoutesOptions & { newId: IdentifierSource },
): Route[] => {
  const byCustomer = customerPath(options);
  return [
    ...[subjectPath(options), byCustomer].flatMap((path) => [
      ...entitlementRoutes(path, options),
      historyRoute(path, options),
      ...grantRoutes(path, options),
    ]),
    customerValueRoute(options, byCustomer),
    ...allEntitlementsRoutes('v1', options),
    ...allEntitlementsRoutes('v2', options),
    ...allGrantsRoutes(options),
  ];
};
