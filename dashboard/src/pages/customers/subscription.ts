import type { Tone } from '../../ui/badge';

/** A subscription as the API shows it. */
export interface Subscription {
  id: string;
  name: string;
  activeFrom: string;
  activeTo?: string;
  status: 'active' | 'inactive' | 'canceled' | 'scheduled';
  plan: { id: string; key: string; version: number };
  currency: string;
  billingCadence: string;
  billingAnchor: string;
}

export const subscriptionsPath = '/api/v1/subscriptions';

export const subscriptionsOf = (customer: string): string =>
  `/api/v1/customers/${encodeURIComponent(customer)}/subscriptions`;

export const subscriptionTones: Record<Subscription['status'], Tone> = {
  active: 'in',
  scheduled: 'accent',
  canceled: 'warned',
  inactive: 'neutral',
};
