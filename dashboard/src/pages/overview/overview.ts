/** The figures of the overview, as the API shows them. */
export interface Overview {
  at: string;
  events: { perMinute: number; minutes: { from: string; events: number }[] };
  access: { customersOut: number; in: number; out: number; pending: number; failing: number };
  crossings: { since: string; count: number };
  deliveries: { retrying: number; failed: number };
  gateways: GatewayGlance[];
}

export interface GatewayGlance {
  id: string;
  key: string;
  name: string;
  driver: string;
  status: 'unknown' | 'healthy' | 'failing';
  version: string | null;
  error: string | null;
  failingSince: string | null;
  checkedAt: string | null;
}

/** An entitlement with the share of it that is used; quantities are decimal text. */
export interface UsedShare {
  entitlementId: string;
  customerId: string;
  customerKey: string | null;
  customerName: string;
  feature: string;
  usage: string;
  allowance: string;
  share: number;
  hasAccess: boolean;
  isSoftLimit: boolean;
  periodTo: string;
  perHour: string | null;
  exhaustedAt: string | null;
}

export const overviewPath = '/api/v1/overview';
export const closestPath = '/api/v1/overview/closest-to-limit';

/** Midnight in the viewer's time zone. */
export const startOfToday = (now: number): string => {
  const day = new Date(now);
  day.setHours(0, 0, 0, 0);
  return day.toISOString();
};

export const customerHref = ({
  customerKey,
  customerId,
}: {
  customerKey: string | null;
  customerId: string;
}): string => `/customers/${encodeURIComponent(customerKey ?? customerId)}`;
