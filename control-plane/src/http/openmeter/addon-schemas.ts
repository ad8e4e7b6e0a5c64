import { z } from 'zod';
import {
  type Addon,
  type AddonDetails,
  addonStatuses,
  instanceTypes,
  type PlanAddon,
  statusOfAddon,
} from '../../billing';
import type { FieldError } from '../../primitives/refusal';
import { metadata, optionalTimeText, plainText, resourceKey, timeText, toTimeText } from './fields';
import { rateCard } from './rate-card-schemas';

const rateCardLimit = 200;
const maximumQuantity = 1_000_000;

export const addonBody = z.object({
  name: plainText(1, 256),
  description: plainText(0, 1_024).optional(),
  metadata: metadata.nullish(),
  instanceType: z.enum(instanceTypes),
  rateCards: z.array(rateCard).max(rateCardLimit),
});

export const addonCreateBody = addonBody.extend({
  key: resourceKey,
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as USD'),
});

const validationErrors = z.array(z.object({ field: z.string(), code: z.string(), message: z.string() }));

export const addonSchema = z.object({
  id: z.string(),
  key: z.string(),
  version: z.number().int(),
  name: z.string(),
  description: z.string().optional(),
  metadata: z.record(z.string(), z.string()),
  instanceType: z.enum(instanceTypes),
  currency: z.string(),
  effectiveFrom: timeText.optional(),
  effectiveTo: timeText.optional(),
  status: z.enum(addonStatuses),
  rateCards: z.array(rateCard),
  validationErrors,
  createdAt: timeText,
  updatedAt: timeText,
  deletedAt: timeText.optional(),
});

export const addonDetailsOf = (body: z.output<typeof addonBody>): AddonDetails => ({
  name: body.name,
  description: body.description ?? null,
  metadata: body.metadata ?? {},
  instanceType: body.instanceType,
  rateCards: body.rateCards,
});

export const addonAnswer = (addon: Addon, problems: readonly FieldError[], now: number) => ({
  id: addon.id,
  key: addon.key,
  version: addon.version,
  name: addon.name,
  description: addon.description ?? undefined,
  metadata: addon.metadata,
  instanceType: addon.instanceType,
  currency: addon.currency,
  effectiveFrom: optionalTimeText(addon.effectiveFrom),
  effectiveTo: optionalTimeText(addon.effectiveTo),
  status: statusOfAddon(addon, now),
  rateCards: addon.rateCards,
  validationErrors: problems,
  createdAt: toTimeText(addon.createdAt),
  updatedAt: toTimeText(addon.updatedAt),
  deletedAt: optionalTimeText(addon.deletedAt),
});

export const planAddonBody = z.object({
  metadata: metadata.nullish(),
  fromPlanPhase: resourceKey,
  maxQuantity: z.number().int().min(1).max(maximumQuantity).optional(),
});

export const planAddonCreateBody = planAddonBody.extend({ addonId: plainText(1, 64) });

export const planAddonSchema = z.object({
  addon: addonSchema,
  fromPlanPhase: z.string(),
  maxQuantity: z.number().int().optional(),
  metadata: z.record(z.string(), z.string()),
  validationErrors,
  createdAt: timeText,
  updatedAt: timeText,
});

export const planAddonTermsOf = (body: z.output<typeof planAddonBody>) => ({
  fromPlanPhase: body.fromPlanPhase,
  maxQuantity: body.maxQuantity ?? null,
  metadata: body.metadata ?? {},
});

/** What does not fit is refused when it is offered, so that there is never anything to show of it. */
export const planAddonAnswer = (planAddon: PlanAddon, now: number) => ({
  addon: addonAnswer(planAddon.addon, [], now),
  fromPlanPhase: planAddon.fromPlanPhase,
  maxQuantity: planAddon.maxQuantity ?? undefined,
  metadata: planAddon.metadata,
  validationErrors: [],
  createdAt: toTimeText(planAddon.createdAt),
  updatedAt: toTimeText(planAddon.updatedAt),
});
