import type { RateCard } from '../plans/rate-card';

export const instanceTypes = ['single', 'multiple'] as const;
export type InstanceType = (typeof instanceTypes)[number];

/** One version of an add-on: rate cards that a customer takes on top of a plan. Times are epoch milliseconds. */
export interface Addon {
  id: string;
  key: string;
  version: number;
  name: string;
  description: string | null;
  metadata: Record<string, string>;
  currency: string;
  /** Whether a subscription can have it once or several times. */
  instanceType: InstanceType;
  rateCards: RateCard[];
  effectiveFrom: number | null;
  effectiveTo: number | null;
  createdAt: number;
  updatedAt: number;
  deletedAt: number | null;
}

/** What a caller decides about an add-on. */
export type AddonDetails = Pick<Addon, 'name' | 'description' | 'metadata' | 'instanceType' | 'rateCards'>;

export const addonStatuses = ['draft', 'active', 'archived'] as const;
export type AddonStatus = (typeof addonStatuses)[number];

export const statusOfAddon = (
  { effectiveFrom, effectiveTo }: Pick<Addon, 'effectiveFrom' | 'effectiveTo'>,
  now: number,
): AddonStatus => {
  if (effectiveFrom === null) return 'draft';
  return effectiveTo !== null && effectiveTo <= now ? 'archived' : 'active';
};

/** That a plan offers an add-on. */
export interface PlanAddon {
  planId: string;
  addon: Addon;
  /** The key of the phase from which on it can be taken. */
  fromPlanPhase: string;
  /** Null for as many as wanted. */
  maxQuantity: number | null;
  metadata: Record<string, string>;
  createdAt: number;
  updatedAt: number;
}
