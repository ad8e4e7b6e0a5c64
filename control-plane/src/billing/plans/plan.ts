import type { RateCard } from './rate-card';

/** A stretch of a subscription's life with rate cards of its own. */
export interface PlanPhase {
  key: string;
  name: string;
  description?: string | undefined;
  metadata?: Record<string, string> | undefined;
  /** ISO 8601 duration; null for the last phase, which has no end. */
  duration: string | null;
  rateCards: RateCard[];
}

/** One version of a plan. Times are epoch milliseconds. */
export interface Plan {
  id: string;
  key: string;
  version: number;
  name: string;
  description: string | null;
  metadata: Record<string, string>;
  currency: string;
  /** ISO 8601 duration. */
  billingCadence: string;
  /** Whether a flat fee for a part of a period costs that part. */
  isProrated: boolean;
  phases: PlanPhase[];
  effectiveFrom: number | null;
  effectiveTo: number | null;
  createdAt: number;
  updatedAt: number;
  deletedAt: number | null;
}

/** What a caller decides about a plan. */
export type PlanDetails = Pick<
  Plan,
  'name' | 'description' | 'metadata' | 'billingCadence' | 'isProrated' | 'phases'
>;

export const planStatuses = ['draft', 'scheduled', 'active', 'archived'] as const;
export type PlanStatus = (typeof planStatuses)[number];

export const statusOfPlan = (
  { effectiveFrom, effectiveTo }: Pick<Plan, 'effectiveFrom' | 'effectiveTo'>,
  now: number,
): PlanStatus => {
  if (effectiveFrom === null) return 'draft';
  if (effectiveTo !== null && effectiveTo <= now) return 'archived';
  return effectiveFrom <= now ? 'active' : 'scheduled';
};
