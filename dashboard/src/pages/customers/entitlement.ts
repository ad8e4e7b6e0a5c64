/** An entitlement as v2 of the API shows it. */
export interface Entitlement {
  id: string;
  type: 'metered' | 'static' | 'boolean';
  featureKey: string;
  customerId: string;
  customerKey?: string;
  metadata: Record<string, string>;
  annotations?: Record<string, unknown>;
  activeFrom: string;
  activeTo?: string;
  createdAt: string;
  config?: string;
  isSoftLimit?: boolean;
  issue?: { amount: number; priority: number };
  preserveOverageAtReset?: boolean;
  measureUsageFrom?: string;
  lastReset?: string;
  currentUsagePeriod?: { from: string; to: string };
  usagePeriod?: { interval: string; anchor: string };
}

export interface EntitlementValue {
  hasAccess: boolean;
  balance?: number;
  usage?: number;
  overage?: number;
  totalAvailableGrantAmount?: number;
  config?: string;
}

export interface Grant {
  id: string;
  amount: number;
  priority: number;
  effectiveAt: string;
  expiresAt?: string;
  minRolloverAmount: number;
  maxRolloverAmount: number;
  recurrence?: { interval: string };
  nextRecurrence?: string;
  metadata: Record<string, string>;
  voidedAt?: string;
  createdAt: string;
}

export const entitlementsPath = (customer: string): string =>
  `/api/v2/customers/${encodeURIComponent(customer)}/entitlements`;

export const entitlementHref = (customer: string, featureKey: string): string =>
  `/customers/${encodeURIComponent(customer)}/entitlements/${encodeURIComponent(featureKey)}`;

/**
 * What may be used in this period. What was granted and has run out counts as well, so that used and allowed compare:
 * balance and usage add up to it as long as nothing is used beyond.
 */
export const allowanceOf = ({ balance = 0, usage = 0, overage = 0 }: EntitlementValue): number =>
  balance + usage - overage;
