import type { Tone } from '../../ui/badge';
import type { PriceTerms } from './price';

export type EntitlementTemplate =
  | {
      type: 'metered';
      isSoftLimit?: boolean;
      issueAfterReset?: number;
      preserveOverageAtReset?: boolean;
      usagePeriod?: string;
      metadata?: Record<string, string>;
    }
  | { type: 'static'; config: string; metadata?: Record<string, string> }
  | { type: 'boolean'; metadata?: Record<string, string> };

export interface RateCard {
  type: 'flat_fee' | 'usage_based';
  key: string;
  name: string;
  description?: string;
  metadata?: Record<string, string>;
  featureKey?: string;
  entitlementTemplate?: EntitlementTemplate;
  taxConfig?: Record<string, unknown>;
  discounts?: { percentage?: { percentage: number }; usage?: { quantity: string } };
  billingCadence: string | null;
  price: PriceTerms | null;
}

export interface PlanPhase {
  key: string;
  name: string;
  description?: string;
  metadata?: Record<string, string>;
  /** ISO 8601; null for the last, which has no end. */
  duration: string | null;
  rateCards: RateCard[];
}

/** A plan as the API shows it. */
export interface Plan {
  id: string;
  key: string;
  version: number;
  name: string;
  description?: string;
  metadata: Record<string, string>;
  currency: string;
  billingCadence: string;
  proRatingConfig: { enabled: boolean };
  effectiveFrom?: string;
  effectiveTo?: string;
  status: PlanStatus;
  phases: PlanPhase[];
  validationErrors: { field: string; code: string; message: string }[];
  createdAt: string;
  updatedAt: string;
}

export const planStatuses = ['draft', 'scheduled', 'active', 'archived'] as const;
export type PlanStatus = (typeof planStatuses)[number];

export const plansPath = '/api/v1/plans';

export const planHref = (id: string): string => `/plans/${encodeURIComponent(id)}`;

export const planTones: Record<PlanStatus, Tone> = {
  draft: 'neutral',
  scheduled: 'accent',
  active: 'in',
  archived: 'neutral',
};

/** What a template gives, in words. */
export const entitlementWords = (
  template: EntitlementTemplate | undefined,
  amountText: (n: number) => string,
): string => {
  if (!template) return 'none';
  if (template.type === 'boolean') return 'on';
  if (template.type === 'static') return `fixed: ${template.config}`;
  const amount =
    template.issueAfterReset === undefined ? 'nothing by itself' : amountText(template.issueAfterReset);
  return `${amount} a period${template.isSoftLimit ? ', soft limit' : ''}`;
};

/** As tollgate.yml declares it. */
export const planDeclaration = (plan: Plan) => ({
  plans: {
    [plan.key]: {
      name: plan.name,
      ...(plan.description ? { description: plan.description } : {}),
      currency: plan.currency,
      billingCadence: plan.billingCadence,
      isProrated: plan.proRatingConfig.enabled,
      phases: plan.phases,
      ...(Object.keys(plan.metadata).length > 0 ? { metadata: plan.metadata } : {}),
    },
  },
});
