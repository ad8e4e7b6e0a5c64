import { z } from 'zod';
import { type Plan, type PlanDetails, planStatuses, statusOfPlan } from '../../billing';
import type { FieldError } from '../../primitives/refusal';
import { metadata, optionalTimeText, plainText, resourceKey, timeText, toTimeText } from './fields';
import { durationText, rateCard } from './rate-card-schemas';

const phaseLimit = 50;
const rateCardLimit = 200;

const planPhase = z.object({
  key: resourceKey,
  name: plainText(1, 256),
  description: plainText(0, 1_024).optional(),
  metadata: metadata.optional(),
  duration: durationText.nullable(),
  rateCards: z.array(rateCard).max(rateCardLimit),
});

const alignment = z.object({ billablesMustAlign: z.boolean().optional() });
export const proRatingConfig = z.object({ enabled: z.boolean(), mode: z.literal('prorate_prices') });
/** Credits are not kept, so that an invoice is what is left to pay. */
export const settlementMode = z.literal('credit_then_invoice');

export const planBody = z.object({
  name: plainText(1, 256),
  description: plainText(0, 1_024).optional(),
  metadata: metadata.optional(),
  alignment: alignment.optional(),
  billingCadence: durationText,
  proRatingConfig: proRatingConfig.optional(),
  settlementMode: settlementMode.optional(),
  phases: z.array(planPhase).max(phaseLimit),
});

export const planCreateBody = planBody.extend({
  key: resourceKey,
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as USD'),
});

export const planSchema = z.object({
  id: z.string(),
  key: z.string(),
  version: z.number().int(),
  name: z.string(),
  description: z.string().optional(),
  metadata: z.record(z.string(), z.string()),
  alignment: alignment.optional(),
  currency: z.string(),
  billingCadence: z.string(),
  proRatingConfig,
  settlementMode,
  effectiveFrom: timeText.optional(),
  effectiveTo: timeText.optional(),
  status: z.enum(planStatuses),
  phases: z.array(planPhase),
  validationErrors: z.array(z.object({ field: z.string(), code: z.string(), message: z.string() })),
  createdAt: timeText,
  updatedAt: timeText,
  deletedAt: timeText.optional(),
});

export const planDetailsOf = (body: z.output<typeof planBody>): PlanDetails => ({
  name: body.name,
  description: body.description ?? null,
  metadata: body.metadata ?? {},
  billingCadence: body.billingCadence,
  isProrated: body.proRatingConfig?.enabled ?? true,
  phases: body.phases,
});

export const planAnswer = (plan: Plan, problems: readonly FieldError[], now: number) => ({
  id: plan.id,
  key: plan.key,
  version: plan.version,
  name: plan.name,
  description: plan.description ?? undefined,
  metadata: plan.metadata,
  alignment: { billablesMustAlign: true },
  currency: plan.currency,
  billingCadence: plan.billingCadence,
  proRatingConfig: { enabled: plan.isProrated, mode: 'prorate_prices' as const },
  settlementMode: 'credit_then_invoice' as const,
  effectiveFrom: optionalTimeText(plan.effectiveFrom),
  effectiveTo: optionalTimeText(plan.effectiveTo),
  status: statusOfPlan(plan, now),
  phases: plan.phases,
  validationErrors: problems,
  createdAt: toTimeText(plan.createdAt),
  updatedAt: toTimeText(plan.updatedAt),
  deletedAt: optionalTimeText(plan.deletedAt),
});
