import type { Enforcement } from '../../enforcement';
import type { Route } from '../route';
import { gatewaysRoutes } from './gateways-routes';
import { holdsRoutes } from './holds-routes';
import { logRoutes } from './log-routes';
import { policiesRoutes } from './policies-routes';
import { statesRoutes } from './states-routes';
import { streamRoutes } from './stream-routes';
import { type AssignmentPorts, synchronizationRoutes } from './synchronization-routes';

/** Everything under /api/v1/access. */
export const accessRoutes = (enforcement: Enforcement, assignment: AssignmentPorts): Route[] => {
  const { administration, feed } = enforcement;
  return [
    ...gatewaysRoutes(administration),
    ...policiesRoutes(administration),
    ...holdsRoutes(administration),
    ...statesRoutes(administration),
    ...logRoutes(administration),
    ...streamRoutes({ feed }),
    ...synchronizationRoutes(enforcement, assignment),
  ];
};
