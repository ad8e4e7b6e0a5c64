/** A row of entitlement_standing; quantities as decimal text, times in epoch milliseconds. */
export interface StoredStanding {
  entitlementId: string;
  customerId: string;
  featureId: string;
  featureKey: string;
  activeFrom: number;
  periodFrom: number;
  periodTo: number;
  segmentFrom: number;
  validUntil: number;
  usage: string;
  exhaustsAt: string;
  totalAvailable: string;
  hasAccess: boolean;
  isStale: boolean;
}
