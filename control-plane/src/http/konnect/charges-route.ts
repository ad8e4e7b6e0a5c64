import { z } from 'zod';
import type { InvoiceDocument, Invoices } from '../../billing';
import type { Customers } from '../../customers';
import { repeated, timeText } from '../openmeter/fields';
import { defineRoute, json, type Route } from '../route';
import { idOrKey } from './fields';
import { listQuery, pageAnswer, pageSchema, sliceOf } from './listing';
import { discountsAnswer, discountsSchema, priceAnswer, priceSchema } from './rate-card-answer';

/** Invoices whose lines are shown, the newest first. */
const invoiceLimit = 100;

const period = z.object({ from: timeText, to: timeText });
const totals = z.object({
  amount: z.string(),
  taxes_total: z.string(),
  taxes_inclusive_total: z.string(),
  taxes_exclusive_total: z.string(),
  charges_total: z.string(),
  discounts_total: z.string(),
  credits_total: z.string(),
  total: z.string(),
});

const shared = {
  id: z.string(),
  name: z.string(),
  description: z.string().optional(),
  labels: z.record(z.string(), z.string()),
  customer: z.object({ id: z.string() }),
  lifecycle_controller: z.enum(['system', 'manual']),
  subscription: z
    .object({
      id: z.string(),
      phase: z.object({ id: z.string(), item: z.object({ id: z.string() }) }),
    })
    .optional(),
  currency: z.string(),
  status: z.enum(['created', 'active', 'final']),
  invoice_at: timeText,
  service_period: period,
  full_service_period: period,
  billing_period: period,
  settlement_mode: z.literal('credit_then_invoice'),
  price: priceSchema,
  discounts: discountsSchema.optional(),
  created_at: timeText,
  updated_at: timeText,
};

const chargeSchema = z
  .discriminatedUnion('type', [
    z.object({
      type: z.literal('flat_fee'),
      ...shared,
      feature_key: z.string().optional(),
      payment_term: z.enum(['in_advance', 'in_arrears']),
      proration_configuration: z.object({ mode: z.enum(['no_proration', 'prorate_prices']) }),
      amount_after_proration: z.object({ amount: z.string(), currency: z.string() }),
    }),
    z.object({
      type: z.literal('usage_based'),
      ...shared,
      feature_key: z.string(),
      feature_id: z.string(),
      totals: z.object({ booked: totals, realtime: totals.optional() }),
    }),
  ])
  .meta({ id: 'KonnectCharge' });

type Charge = z.input<typeof chargeSchema>;
type Line = InvoiceDocument['lines'][number];

const statusOf = ({ status }: InvoiceDocument, { period: { from } }: Line, now: number): Charge['status'] => {
  if (status !== 'gathering') return 'final';
  return Date.parse(from) > now ? 'created' : 'active';
};

const totalsOf = (amounts: Line['totals'] | undefined): z.input<typeof totals> => ({
  amount: amounts?.amount ?? '0',
  taxes_total: '0',
  taxes_inclusive_total: '0',
  taxes_exclusive_total: '0',
  charges_total: amounts?.chargesTotal ?? '0',
  discounts_total: amounts?.discountsTotal ?? '0',
  credits_total: '0',
  total: amounts?.total ?? '0',
});

/** A line of an invoice as v3 shows it; undefined for usage of a feature that is gone. */
const chargeOf = (
  invoice: InvoiceDocument,
  line: Line,
  featureIds: ReadonlyMap<string, string>,
  options: { now: number; withUsage: boolean },
): Charge => {
  const { subscription, featureKey, price } = line;
  const fields = {
    id: line.id,
    name: line.name,
    description: line.description,
    labels: line.metadata,
    customer: { id: invoice.customer.id },
    lifecycle_controller: line.managedBy === 'manual' ? ('manual' as const) : ('system' as const),
    subscription: subscription && {
      id: subscription.subscription.id,
      phase: { id: subscription.phase.id, item: { id: subscription.item.id } },
    },
    currency: line.currency,
    status: statusOf(invoice, line, options.now),
    invoice_at: line.invoiceAt,
    service_period: line.period,
    full_service_period: subscription?.billingPeriod ?? line.period,
    billing_period: subscription?.billingPeriod ?? line.period,
    settlement_mode: 'credit_then_invoice' as const,
    price: priceAnswer(price),
    discounts: discountsAnswer(line.rateCard.discounts),
    created_at: line.createdAt,
    updated_at: line.updatedAt,
  };
  if (price.type === 'flat' || featureKey === undefined)
    return {
      type: 'flat_fee',
      ...fields,
      feature_key: featureKey,
      payment_term: price.type === 'flat' ? (price.paymentTerm ?? 'in_advance') : 'in_arrears',
      proration_configuration: { mode: 'prorate_prices' },
      amount_after_proration: { amount: line.totals.total, currency: line.currency },
    };
  const isBooked = invoice.status !== 'gathering';
  return {
    type: 'usage_based',
    ...fields,
    feature_key: featureKey,
    feature_id: featureIds.get(featureKey) ?? featureKey,
    totals: {
      booked: totalsOf(isBooked ? line.totals : undefined),
      realtime: options.withUsage ? totalsOf(line.totals) : undefined,
    },
  };
};

export interface ChargesOptions {
  invoices: Pick<Invoices, 'list'>;
  customers: Customers;
  /** Ids of features by their keys. */
  featureIds: (keys: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  now: () => number;
}

/** What a customer is charged for: the lines of its invoices, those that still gather with what they come to now. */
export const chargesRoute = ({ invoices, customers, featureIds, now }: ChargesOptions): Route =>
  defineRoute({
    method: 'get',
    path: '/customers/{customerId}/charges',
    scope: 'read',
    tag: 'Konnect: customers',
    summary: "A customer's charges, from its 100 newest invoices",
    params: z.object({ customerId: idOrKey }),
    query: listQuery(['status'], ['created_at'], 'created_at').extend({
      expand: repeated(z.enum(['real_time_usage']), 1).optional(),
    }),
    responses: { 200: { description: 'One page.', schema: pageSchema(chargeSchema) } },
    handle: async ({ params: { customerId }, query: { page, sort, filter, expand } }) => {
      const customer = await customers.get(customerId);
      const { items } = await invoices.list(
        { customerIds: [customer.id], includeDeleted: false, orderBy: 'createdAt', isDescending: true },
        { limit: invoiceLimit, offset: 0 },
      );
      const keys = items.flatMap(({ lines }) => lines.flatMap(({ featureKey }) => featureKey ?? []));
      const ids = await featureIds([...new Set(keys)]);
      const options = { now: now(), withUsage: expand !== undefined && expand.length > 0 };
      const charges = items
        .flatMap((invoice) => invoice.lines.map((line) => chargeOf(invoice, line, ids, options)))
        .filter(({ status }) => isWanted(status, filter.status))
        .sort((a, b) => (sort.isDescending ? -1 : 1) * a.created_at.localeCompare(b.created_at));
      const { limit, offset } = sliceOf(page);
      return json(200, pageAnswer(charges.slice(offset, offset + limit), page, charges.length));
    },
  });

const isWanted = (
  status: string,
  filter:
    | { eq?: string | undefined; neq?: string | undefined; oneOf?: readonly string[] | undefined }
    | undefined,
): boolean =>
  (filter?.eq === undefined || filter.eq === status) &&
  (filter?.neq === undefined || filter.neq !== status) &&
  (filter?.oneOf === undefined || filter.oneOf.includes(status));
