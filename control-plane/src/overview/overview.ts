import type { AccessAdministration, AccessCounts, GatewayWithHealth } from '../enforcement';
import type { Traffic, TrafficCounter } from '../events';
import { type DeliveryTrouble, deliveryTrouble } from '../notifications';
import type { Clock } from '../primitives/clock';
import { DAY_MS } from '../primitives/durations';
import { readSparingly } from '../primitives/read-sparingly';
import type { Database } from '../storage';
import { countCrossings } from '../thresholds';

/** What an operator sees first. Times are epoch milliseconds. */
export interface Overview {
  at: number;
  traffic: Traffic;
  access: AccessCounts;
  crossings: { since: number; count: number };
  deliveries: DeliveryTrouble;
  gateways: readonly GatewayWithHealth[];
}

export interface OverviewOptions {
  database: Database;
  clock: Clock;
  traffic: Pick<TrafficCounter, 'read'>;
  access: Pick<AccessAdministration, 'countStates' | 'listGateways'>;
}

/** Gathers the figures of the overview; those that cost more are up to two seconds old. */
export const createOverview = ({ database, clock, traffic, access }: OverviewOptions) => {
  const trouble = readSparingly(() => deliveryTrouble(database, clock.now() - DAY_MS), {
    minimumAgeMs: 2_000,
  });
  /** @param since from when on crossings are counted */
  return async (since: number): Promise<Overview> => ({
    at: clock.now(),
    traffic: await traffic.read(),
    access: await access.countStates({}),
    crossings: { since, count: await countCrossings(database, since) },
    deliveries: await trouble(),
    gateways: await access.listGateways(),
  });
};

export type ReadOverview = ReturnType<typeof createOverview>;
