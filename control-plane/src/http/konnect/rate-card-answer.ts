import { z } from 'zod';
import type { DiscountTerms, PriceTerms, RateCard } from '../../billing';
import { labelsAnswer } from './fields';

const numericText = z.string();
const flat = z.object({ type: z.literal('flat'), amount: numericText });
const unit = z.object({ type: z.literal('unit'), amount: numericText });
const tiers = z.array(
  z.object({
    up_to_amount: numericText.optional(),
    flat_price: flat.optional(),
    unit_price: unit.optional(),
  }),
);

export const priceSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('free') }),
  flat,
  unit,
  z.object({ type: z.literal('graduated'), tiers }),
  z.object({ type: z.literal('volume'), tiers }),
]);

export const discountsSchema = z.object({
  percentage: z.number().optional(),
  usage: numericText.optional(),
});

/** v3's rate card as answers have it. */
export const rateCardSchema = z
  .object({
    key: z.string(),
    name: z.string(),
    description: z.string().optional(),
    labels: labelsAnswer.optional(),
    feature: z.object({ id: z.string() }).optional(),
    billing_cadence: z.string().optional(),
    price: priceSchema,
    unit_config: z
      .object({
        operation: z.enum(['divide', 'multiply']),
        conversion_factor: numericText,
        rounding: z.enum(['ceiling', 'none']),
      })
      .optional(),
    payment_term: z.enum(['in_advance', 'in_arrears']).optional(),
    commitments: z
      .object({ minimum_amount: numericText.optional(), maximum_amount: numericText.optional() })
      .optional(),
    discounts: discountsSchema.optional(),
    tax_config: z
      .object({
        behavior: z.enum(['inclusive', 'exclusive']).optional(),
        code: z.object({ id: z.string() }),
      })
      .optional(),
    entitlement: z
      .discriminatedUnion('type', [
        z.object({
          type: z.literal('metered'),
          is_soft_limit: z.boolean(),
          limit: z.number().optional(),
          usage_period: z.string().optional(),
        }),
        z.object({ type: z.literal('static'), config: z.unknown() }),
        z.object({ type: z.literal('boolean') }),
      ])
      .optional(),
  })
  .meta({ id: 'KonnectRateCard' });

type RateCardAnswer = z.input<typeof rateCardSchema>;
type PriceAnswer = z.input<typeof priceSchema>;

/** A price in v3's shape. Package and dynamic prices are unit prices with a conversion there. */
export const priceAnswer = (price: PriceTerms | null): PriceAnswer => {
  if (price === null) return { type: 'free' };
  switch (price.type) {
    case 'dynamic':
      return { type: 'unit', amount: '1' };
    case 'package':
    case 'unit':
      return { type: 'unit', amount: price.amount };
    case 'flat':
      return { type: 'flat', amount: price.amount };
    case 'tiered':
      return {
        type: price.mode,
        tiers: price.tiers.map(({ upToAmount, flatPrice, unitPrice }) => ({
          up_to_amount: upToAmount,
          flat_price: flatPrice ?? undefined,
          unit_price: unitPrice ?? undefined,
        })),
      };
  }
};

export const discountsAnswer = (
  discounts: DiscountTerms | null | undefined,
): z.input<typeof discountsSchema> | undefined =>
  discounts ? { percentage: discounts.percentage?.percentage, usage: discounts.usage?.quantity } : undefined;

const conversionOf = (price: PriceTerms | null): RateCardAnswer['unit_config'] => {
  if (price?.type === 'package')
    return { operation: 'divide', conversion_factor: price.quantityPerPackage, rounding: 'ceiling' };
  if (price?.type === 'dynamic')
    return { operation: 'multiply', conversion_factor: price.multiplier ?? '1', rounding: 'none' };
  return undefined;
};

const commitmentsOf = (price: PriceTerms | null): RateCardAnswer['commitments'] => {
  if (price === null || price.type === 'flat') return undefined;
  const { minimumAmount, maximumAmount } = price;
  return minimumAmount === undefined && maximumAmount === undefined
    ? undefined
    : { minimum_amount: minimumAmount, maximum_amount: maximumAmount };
};

const entitlementOf = (template: RateCard['entitlementTemplate']): RateCardAnswer['entitlement'] => {
  if (!template || template.type === 'boolean') return template && { type: 'boolean' };
  if (template.type === 'static') return { type: 'static', config: configOf(template.config) };
  return {
    type: 'metered',
    is_soft_limit: template.isSoftLimit ?? false,
    limit: template.issueAfterReset,
    usage_period: template.usagePeriod,
  };
};

/** Configurations given over v1 are text that should hold JSON; one that does not is shown as the text. */
const configOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** Tax settings given over v1 have other fields, which v3 does not know. */
const taxConfigOf = (taxConfig: RateCard['taxConfig']): RateCardAnswer['tax_config'] => {
  const parsed = rateCardSchema.shape.tax_config.safeParse(taxConfig);
  return parsed.success ? parsed.data : undefined;
};

/** A rate card in v3's shape. @param featureIds ids of features by their keys */
export const rateCardAnswer = (card: RateCard, featureIds: ReadonlyMap<string, string>): RateCardAnswer => {
  const featureId = card.featureKey === undefined ? undefined : featureIds.get(card.featureKey);
  return {
    key: card.key,
    name: card.name,
    description: card.description,
    labels: card.metadata,
    feature: featureId === undefined ? undefined : { id: featureId },
    billing_cadence: card.billingCadence ?? undefined,
    price: priceAnswer(card.price),
    unit_config: conversionOf(card.price),
    payment_term: card.price?.type === 'flat' ? (card.price.paymentTerm ?? 'in_advance') : undefined,
    commitments: commitmentsOf(card.price),
    discounts: discountsAnswer(card.discounts),
    tax_config: taxConfigOf(card.taxConfig),
    entitlement: entitlementOf(card.entitlementTemplate),
  };
};

/** The feature keys of cards, each once. */
export const featureKeysOf = (cards: readonly RateCard[]): string[] => [
  ...new Set(cards.flatMap(({ featureKey }) => (featureKey === undefined ? [] : [featureKey]))),
];
