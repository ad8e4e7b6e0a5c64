import { z } from 'zod';
import type { PriceTerms, RateCard } from '../../billing';
import { parseQuantity } from '../../primitives/decimal';
import { metadata, plainText, resourceKey } from './fields';

/** Schemas of prices and rate cards: the same ones read bodies and describe answers. */

/** Decimal text as OpenMeter's Numeric has it, within what can be computed exactly. */
export const numeric = z
  .string()
  .regex(/^-?[0-9]+(\.[0-9]+)?$/, 'must be a decimal number as text, such as "0.05"')
  .max(72)
  .refine((text) => parseQuantity(text) !== undefined, 'must have at most 40 digits');

/** Times of service and billing, as text; its meaning is checked when a plan is published. */
export const durationText = z.string().min(2).max(64).regex(/^P/, 'must be an ISO 8601 duration such as P1M');

const commitments = { minimumAmount: numeric.optional(), maximumAmount: numeric.optional() };
const paymentTerm = z.enum(['in_advance', 'in_arrears']);

const flatPrice = z.object({
  type: z.literal('flat'),
  amount: numeric,
  paymentTerm: paymentTerm.optional(),
});

const tierLimit = 100;
const tier = z.object({
  upToAmount: numeric.optional(),
  flatPrice: z
    .object({ type: z.literal('flat'), amount: numeric })
    .nullable()
    .default(null),
  unitPrice: z
    .object({ type: z.literal('unit'), amount: numeric })
    .nullable()
    .default(null),
});

/** OpenMeter's RateCardUsageBasedPrice. */
export const priceTerms: z.ZodType<PriceTerms> = z.discriminatedUnion('type', [
  flatPrice,
  z.object({ type: z.literal('unit'), amount: numeric, ...commitments }),
  z.object({
    type: z.literal('tiered'),
    mode: z.enum(['volume', 'graduated']),
    tiers: z.array(tier).min(1).max(tierLimit),
    ...commitments,
  }),
  z.object({ type: z.literal('package'), amount: numeric, quantityPerPackage: numeric, ...commitments }),
  z.object({ type: z.literal('dynamic'), multiplier: numeric.optional(), ...commitments }),
]);

export const discountTerms = z.object({
  percentage: z.object({ percentage: z.number().min(0).max(100) }).optional(),
  usage: z.object({ quantity: numeric }).optional(),
});

/** Settings of tax are kept and shown; no tax is computed. */
export const taxConfig = z
  .record(z.string().max(64), z.unknown())
  .refine((record) => JSON.stringify(record).length <= 4_096, 'must be at most 4,096 characters of JSON');

const entitlementTemplate = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('metered'),
    metadata: metadata.optional(),
    isSoftLimit: z.boolean().optional(),
    issueAfterReset: z.number().min(0).optional(),
    issueAfterResetPriority: z.number().int().min(1).max(255).optional(),
    preserveOverageAtReset: z.boolean().optional(),
    usagePeriod: durationText.optional(),
  }),
  z.object({ type: z.literal('static'), metadata: metadata.optional(), config: z.string().max(65_536) }),
  z.object({ type: z.literal('boolean'), metadata: metadata.optional() }),
]);

const cardFields = {
  key: resourceKey,
  name: plainText(1, 256),
  description: plainText(0, 1_024).optional(),
  metadata: metadata.optional(),
  featureKey: resourceKey.optional(),
  entitlementTemplate: entitlementTemplate.optional(),
  taxConfig: taxConfig.optional(),
  discounts: discountTerms.optional(),
};

export const rateCard: z.ZodType<RateCard> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('flat_fee'),
    ...cardFields,
    billingCadence: durationText.nullable(),
    price: flatPrice.nullable(),
  }),
  z.object({
    type: z.literal('usage_based'),
    ...cardFields,
    billingCadence: durationText,
    price: priceTerms.nullable(),
  }),
]);
