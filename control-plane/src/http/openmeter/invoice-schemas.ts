import { z } from 'zod';
import { invoiceStatuses, type NewLine } from '../../billing';
import { metadata, plainText, resourceKey, time, timeText } from './fields';
import { discountTerms, numeric, priceTerms, taxConfig } from './rate-card-schemas';

/** Shapes of OpenMeter's invoices. */

const lineLimit = 1_000;

const totals = z.object({
  amount: numeric,
  chargesTotal: numeric,
  discountsTotal: numeric,
  creditsTotal: numeric,
  taxesInclusiveTotal: numeric,
  taxesExclusiveTotal: numeric,
  taxesTotal: numeric,
  total: numeric,
});

const periodText = z.object({ from: timeText, to: timeText });
const idOnly = z.object({ id: z.string() });
const address = z.record(z.string(), z.string().optional());

const lineFields = {
  id: z.string(),
  name: z.string(),
  createdAt: timeText,
  updatedAt: timeText,
  managedBy: z.enum(['subscription', 'manual']),
  currency: z.string(),
  invoice: z.object({ id: z.string(), number: z.string().optional() }),
  period: periodText,
  invoiceAt: timeText,
  totals,
};

const discountTimes = { id: z.string(), createdAt: timeText, updatedAt: timeText };

const detailedLine = z.object({
  ...lineFields,
  type: z.literal('flat_fee'),
  status: z.literal('detailed'),
  category: z.enum(['regular', 'commitment']),
  quantity: numeric,
  perUnitAmount: numeric,
  discounts: z.object({
    amount: z.array(
      z.object({
        ...discountTimes,
        reason: z.object({
          type: z.enum(['maximum_spend', 'ratecard_percentage']),
          percentage: z.number().optional(),
        }),
        amount: numeric,
      }),
    ),
  }),
});

const rateCardSchema = z.object({
  featureKey: z.string().optional(),
  price: priceTerms,
  discounts: discountTerms.optional(),
  taxConfig: taxConfig.optional(),
});

export const invoiceLineSchema = z.object({
  ...lineFields,
  type: z.literal('usage_based'),
  description: z.string().optional(),
  metadata: z.record(z.string(), z.string()),
  status: z.literal('valid'),
  featureKey: z.string().optional(),
  price: priceTerms,
  rateCard: rateCardSchema,
  taxConfig: taxConfig.optional(),
  quantity: numeric.optional(),
  meteredQuantity: numeric.optional(),
  preLinePeriodQuantity: numeric.optional(),
  meteredPreLinePeriodQuantity: numeric.optional(),
  discounts: z.object({
    usage: z.array(
      z.object({
        ...discountTimes,
        reason: z.object({ type: z.literal('ratecard_usage'), quantity: numeric }),
        quantity: numeric,
        preLinePeriodQuantity: numeric,
      }),
    ),
  }),
  subscription: z
    .object({ subscription: idOnly, phase: idOnly, item: idOnly, billingPeriod: periodText })
    .optional(),
  children: z.array(detailedLine),
});

export const invoiceSchema = z.object({
  id: z.string(),
  type: z.literal('standard'),
  description: z.string().optional(),
  metadata: z.record(z.string(), z.string()),
  createdAt: timeText,
  updatedAt: timeText,
  deletedAt: timeText.optional(),
  supplier: z.object({ name: z.string(), addresses: z.array(address) }),
  customer: z.object({
    id: z.string(),
    key: z.string().optional(),
    name: z.string(),
    addresses: z.array(address),
    usageAttribution: z.object({ subjectKeys: z.array(z.string()) }),
  }),
  number: z.string(),
  currency: z.string(),
  totals,
  status: z.enum(invoiceStatuses),
  statusDetails: z.object({
    immutable: z.boolean(),
    failed: z.boolean(),
    extendedStatus: z.string(),
    availableActions: z.record(z.string(), z.object({ resultingState: z.string().optional() })),
  }),
  issuedAt: timeText.optional(),
  draftUntil: timeText.optional(),
  quantitySnapshotedAt: timeText.optional(),
  collectionAt: timeText.optional(),
  dueAt: timeText.optional(),
  voidedAt: timeText.optional(),
  period: periodText.optional(),
  workflow: z.object({
    sourceBillingProfileId: z.string(),
    workflow: z.object({
      collection: z.object({
        alignment: z.object({ type: z.literal('subscription') }),
        interval: z.string(),
      }),
      invoicing: z.object({
        autoAdvance: z.boolean(),
        draftPeriod: z.string(),
        dueAfter: z.string(),
        progressiveBilling: z.boolean(),
      }),
      payment: z.object({ collectionMethod: z.literal('charge_automatically') }),
    }),
  }),
  lines: z.array(invoiceLineSchema).optional(),
});

const invoiceRateCard = z.object({
  featureKey: resourceKey.optional(),
  taxConfig: taxConfig.optional(),
  price: priceTerms.nullable(),
  discounts: z.looseObject({}).pipe(discountTerms).optional(),
});

const newLine = z
  .object({
    name: plainText(1, 256),
    description: plainText(0, 1_024).optional(),
    metadata: metadata.optional(),
    taxConfig: taxConfig.optional(),
    period: z.object({ from: time, to: time }),
    invoiceAt: time,
    price: priceTerms.optional().describe('Deprecated: use rateCard.'),
    featureKey: resourceKey.optional().describe('Deprecated: use rateCard.'),
    rateCard: invoiceRateCard.optional(),
  })
  .refine(({ price, rateCard }) => Boolean(rateCard?.price ?? price), {
    path: ['rateCard'],
    message: 'must have a price',
  });

const currency = z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as USD');

export const pendingLinesBody = z.object({ currency, lines: z.array(newLine).min(1).max(lineLimit) });

export const simulationBody = z.object({
  currency,
  number: plainText(1, 256).optional(),
  lines: z
    .array(newLine.safeExtend({ quantity: numeric, preLinePeriodQuantity: numeric.optional() }))
    .min(1)
    .max(lineLimit),
});

export const invoicePendingBody = z.object({
  customerId: plainText(1, 256),
  asOf: time.optional(),
  filters: z.object({ lineIds: z.array(z.string().max(64)).max(lineLimit).optional() }).optional(),
  progressiveBillingOverride: z
    .literal(false)
    .optional()
    .describe('Lines are invoiced when their period is over.'),
});

export const voidBody = z.object({
  action: z.object({
    percentage: z.literal(100, { error: 'must be 100: an invoice is voided as a whole' }),
    action: z.object({ type: z.literal('discard', { error: 'must be "discard"' }) }),
  }),
  reason: plainText(1, 1_024),
});

export const invoiceUpdateBody = z.object({
  description: plainText(0, 1_024).optional(),
  metadata: metadata.optional(),
  lines: z.array(z.looseObject({ id: z.string().max(64) })).max(lineLimit),
});

export const newLineOf = (line: z.output<typeof newLine>): NewLine => ({
  name: line.name,
  description: line.description,
  metadata: line.metadata,
  taxConfig: line.rateCard?.taxConfig ?? line.taxConfig,
  period: line.period,
  invoiceAt: line.invoiceAt,
  featureKey: line.rateCard?.featureKey ?? line.featureKey,
  price: (line.rateCard?.price ?? line.price)!,
  discounts: line.rateCard?.discounts,
});
