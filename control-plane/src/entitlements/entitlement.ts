import type { Duration } from '../primitives/durations';

/** Times are epoch milliseconds. */
interface EntitlementBase {
  id: string;
  customerId: string;
  featureId: string;
  featureKey: string;
  /** The subject that an entitlement of the v1 subject API was made for. */
  subjectKey: string | null;
  subscriptionId: string | null;
  activeFrom: number;
  activeTo: number | null;
  metadata: Record<string, string>;
  annotations: Record<string, unknown>;
  createdAt: number;
  updatedAt: number;
  deletedAt: number | null;
}

/** An allowance of usage a period, made of grants. */
export interface MeteredEntitlement extends EntitlementBase {
  type: 'metered';
  isSoftLimit: boolean;
  /** Decimal text of the amount granted anew each period, or null. */
  issueAfterReset: string | null;
  issueAfterResetPriority: number | null;
  preserveOverageAtReset: boolean;
  measureUsageFrom: number;
  usagePeriod: { interval: Duration; intervalText: string; anchor: number };
}

/** A value that the customer's feature is configured with, as JSON text. */
export interface StaticEntitlement extends EntitlementBase {
  type: 'static';
  config: string;
}

export interface BooleanEntitlement extends EntitlementBase {
  type: 'boolean';
}

export type Entitlement = MeteredEntitlement | StaticEntitlement | BooleanEntitlement;

/** A reset by hand: from `at` on, periods are counted from `anchor`. */
export interface ManualReset {
  at: number;
  anchor: number;
  preserveOverage: boolean;
}
