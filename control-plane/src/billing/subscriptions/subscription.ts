import type { RateCard } from '../plans/rate-card';

/** One rate card of a phase, as a subscription has it. */
export interface SubscriptionItem {
  id: string;
  card: RateCard;
  /** The feature that the key meant when the subscription was made. */
  featureId: string | null;
  /** The entitlement made of the card's template. */
  entitlementId: string | null;
  /** Where an edit made it begin and end within its phase, epoch milliseconds; with its phase unless given. */
  activeFrom?: number | undefined;
  activeTo?: number | undefined;
  /** The start of the item whose usage it goes on counting, where it took another's place. */
  measuredFrom?: number | undefined;
}

/** When an item is in force, epoch milliseconds; `to` is null where it has no end. */
export interface ItemSpan {
  from: number;
  to: number | null;
}

/** A phase of the plan laid out in time, epoch milliseconds. */
export interface SubscriptionPhase {
  id: string;
  key: string;
  name: string;
  description?: string | undefined;
  metadata?: Record<string, string> | undefined;
  activeFrom: number;
  /** As the plan has it; the end of the subscription may come first. */
  activeTo: number | null;
  items: SubscriptionItem[];
}

/** A customer's plan from `activeFrom` up to `activeTo`. Times are epoch milliseconds. */
export interface Subscription {
  id: string;
  customerId: string;
  plan: { id: string; key: string; version: number };
  name: string;
  description: string | null;
  metadata: Record<string, string>;
  currency: string;
  /** ISO 8601 duration. */
  billingCadence: string;
  billingAnchor: number;
  isProrated: boolean;
  phases: SubscriptionPhase[];
  activeFrom: number;
  activeTo: number | null;
  nextLinesAt: number | null;
  createdAt: number;
  updatedAt: number;
  deletedAt: number | null;
}

export const subscriptionStatuses = ['active', 'inactive', 'canceled', 'scheduled'] as const;
export type SubscriptionStatus = (typeof subscriptionStatuses)[number];

/** `canceled` has an end that is still to come; `inactive` is past it. */
export const statusOfSubscription = (
  { activeFrom, activeTo }: Pick<Subscription, 'activeFrom' | 'activeTo'>,
  now: number,
): SubscriptionStatus => {
  if (activeTo !== null && activeTo <= now) return 'inactive';
  if (activeFrom > now) return 'scheduled';
  return activeTo === null ? 'active' : 'canceled';
};

/** The earlier of two ends, where null is none. */
export const earlierEnd = (a: number | null, b: number | null): number | null => {
  if (a === null) return b;
  return b === null ? a : Math.min(a, b);
};

/** The phase's end as the subscription's own end cuts it. */
export const endOfPhase = (
  { activeTo }: Pick<Subscription, 'activeTo'>,
  phase: Pick<SubscriptionPhase, 'activeTo'>,
): number | null => earlierEnd(activeTo, phase.activeTo);

/** When an item is in force, as its phase and the subscription's end cut it; undefined for never. */
export const spanOfItem = (
  subscription: Pick<Subscription, 'activeTo'>,
  phase: Pick<SubscriptionPhase, 'activeFrom' | 'activeTo'>,
  item: Pick<SubscriptionItem, 'activeFrom' | 'activeTo'>,
): ItemSpan | undefined => {
  const from = Math.max(phase.activeFrom, item.activeFrom ?? phase.activeFrom);
  const to = earlierEnd(endOfPhase(subscription, phase), item.activeTo ?? null);
  return to !== null && to <= from ? undefined : { from, to };
};
