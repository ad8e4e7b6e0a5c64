import { z } from 'zod';
import type { RateCard } from '../../billing';
import type { FieldError } from '../../primitives/refusal';
import { resourceKey } from '../openmeter/fields';
import { durationText, numeric } from '../openmeter/rate-card-schemas';
import { description, idOrKey, labels, name } from './fields';

/** v3's rate cards as bodies have them, and what they are as a plan keeps them (v1's shape). */

const flatPrice = z.strictObject({ type: z.literal('flat'), amount: numeric });
const unitPrice = z.strictObject({ type: z.literal('unit'), amount: numeric });
const tiers = z
  .array(
    z.strictObject({
      up_to_amount: numeric.optional(),
      flat_price: flatPrice.optional(),
      unit_price: unitPrice.optional(),
    }),
  )
  .min(1)
  .max(100);

const price = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('free') }),
  flatPrice,
  unitPrice,
  z.strictObject({ type: z.literal('graduated'), tiers }),
  z.strictObject({ type: z.literal('volume'), tiers }),
]);

const entitlement = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('metered'),
    is_soft_limit: z.boolean().optional(),
    limit: z.number().min(0).optional(),
    usage_period: durationText.optional(),
  }),
  z.strictObject({
    type: z.literal('static'),
    config: z
      .unknown()
      .refine((config) => config !== undefined, 'is required')
      .refine(
        (config) => (JSON.stringify(config) ?? '').length <= 65_536,
        'must be at most 65,536 characters of JSON',
      ),
  }),
  z.strictObject({ type: z.literal('boolean') }),
]);

const unitConfig = z.strictObject({
  operation: z.enum(['divide', 'multiply']),
  conversion_factor: numeric.refine((text) => Number(text) > 0, 'must be greater than 0'),
  rounding: z.enum(['ceiling', 'floor', 'half_up', 'none']).default('none'),
  precision: z.number().int().min(0).max(20).default(0),
  display_unit: z.string().max(64).optional(),
});

export const rateCardBody = z.strictObject({
  key: resourceKey,
  name,
  description: description.optional(),
  labels: labels.optional(),
  feature: z.strictObject({ id: idOrKey }).optional(),
  currency: z.string().min(3).max(24).optional(),
  billing_cadence: durationText.nullish(),
  price,
  unit_config: unitConfig.optional(),
  payment_term: z.enum(['in_advance', 'in_arrears']).optional(),
  commitments: z
    .strictObject({ minimum_amount: numeric.optional(), maximum_amount: numeric.optional() })
    .optional(),
  discounts: z
    .strictObject({ percentage: z.number().min(0).max(100).optional(), usage: numeric.optional() })
    .optional(),
  tax_config: z
    .strictObject({
      behavior: z.enum(['inclusive', 'exclusive']).optional(),
      code: z.strictObject({ id: z.string().max(64) }),
    })
    .optional(),
  entitlement: entitlement.optional(),
});

export type RateCardBody = z.output<typeof rateCardBody>;

export interface RateCardContext {
  /** The plan's. */
  currency: string;
  /** The plan's, ISO 8601; usage is billed by it unless the card says otherwise. */
  billingCadence: string;
  /** Feature keys by what the bodies name features with. */
  featureKeys: ReadonlyMap<string, string>;
  /** JSONPath of the card in the body. */
  path: string;
}

type Converted<T> = { value: T } | { problem: FieldError };
const problem = (field: string, message: string): { problem: FieldError } => ({
  problem: { code: 'invalid', field, message },
});

/** The card as a plan keeps it, or the field that cannot be kept. */
export const rateCardOf = (body: RateCardBody, context: RateCardContext): Converted<RateCard> => {
  const { path } = context;
  if (body.currency !== undefined && body.currency !== context.currency)
    return problem(`${path}.currency`, `must be the plan's, ${context.currency}`);
  const featureKey = body.feature && context.featureKeys.get(body.feature.id);
  if (body.feature && featureKey === undefined)
    return problem(`${path}.feature.id`, `there is no feature "${body.feature.id}"; create it first`);
  if (body.entitlement && !body.feature)
    return problem(`${path}.entitlement`, 'needs a feature: give feature.id as well');
  const terms = priceOf(body, path);
  if ('problem' in terms) return terms;
  const isFlat = body.price.type === 'flat' || body.price.type === 'free';
  if (body.commitments && isFlat)
    return problem(`${path}.commitments`, 'are for unit, graduated and volume prices only');
  if (body.payment_term === 'in_advance' && !isFlat)
    return problem(`${path}.payment_term`, 'must be in_arrears: usage is known at the end of a period');
  const shared = {
    key: body.key,
    name: body.name,
    description: body.description,
    metadata: body.labels,
    featureKey,
    entitlementTemplate: body.entitlement && templateOf(body.entitlement),
    taxConfig: body.tax_config,
    discounts: discountsOf(body.discounts),
    price: terms.value,
  };
  const cadence = body.billing_cadence ?? null;
  return {
    value: isFlat
      ? { ...shared, type: 'flat_fee', billingCadence: cadence }
      : { ...shared, type: 'usage_based', billingCadence: cadence ?? context.billingCadence },
  };
};

/** A unit price with a conversion is what v1 calls a package or a dynamic price; no other conversion can be billed. */
const priceOf = (body: RateCardBody, path: string): Converted<RateCard['price']> => {
  const commitments = {
    minimumAmount: body.commitments?.minimum_amount,
    maximumAmount: body.commitments?.maximum_amount,
  };
  const { price: given, unit_config: conversion } = body;
  if (conversion) {
    const { operation, conversion_factor: factor, rounding, precision } = conversion;
    if (given.type === 'unit' && operation === 'divide' && rounding === 'ceiling' && precision === 0)
      return {
        value: { type: 'package', amount: given.amount, quantityPerPackage: factor, ...commitments },
      };
    if (
      given.type === 'unit' &&
      operation === 'multiply' &&
      rounding === 'none' &&
      Number(given.amount) === 1
    )
      return { value: { type: 'dynamic', multiplier: factor, ...commitments } };
    return problem(
      `${path}.unit_config`,
      'must divide and round up to whole units (a package), or multiply a unit price of 1 without rounding',
    );
  }
  switch (given.type) {
    case 'free':
      return { value: null };
    case 'flat':
      return {
        value: { type: 'flat', amount: given.amount, paymentTerm: body.payment_term ?? 'in_arrears' },
      };
    case 'unit':
      return { value: { type: 'unit', amount: given.amount, ...commitments } };
    default:
      return {
        value: {
          type: 'tiered',
          mode: given.type,
          tiers: given.tiers.map((tier) => ({
            upToAmount: tier.up_to_amount,
            flatPrice: tier.flat_price ?? null,
            unitPrice: tier.unit_price ?? null,
          })),
          ...commitments,
        },
      };
  }
};

const templateOf = (
  template: NonNullable<RateCardBody['entitlement']>,
): NonNullable<RateCard['entitlementTemplate']> => {
  if (template.type === 'boolean') return { type: 'boolean' };
  if (template.type === 'static') return { type: 'static', config: JSON.stringify(template.config) };
  return {
    type: 'metered',
    isSoftLimit: template.is_soft_limit,
    issueAfterReset: template.limit,
    usagePeriod: template.usage_period,
  };
};

const discountsOf = (discounts: RateCardBody['discounts']): RateCard['discounts'] =>
  discounts && {
    percentage: discounts.percentage === undefined ? undefined : { percentage: discounts.percentage },
    usage: discounts.usage === undefined ? undefined : { quantity: discounts.usage },
  };
