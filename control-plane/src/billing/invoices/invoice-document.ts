import type { Customer } from '../../customers';
import { formatDuration } from '../../primitives/durations';
import { toTimeText } from '../../primitives/time-text';
import {
  type Invoice,
  type InvoiceCustomer,
  type InvoiceLine,
  statusOfInvoice,
  type TotalsText,
} from './invoice';
import { availableActions, type InvoiceTerms } from './next-step';
import { invoiceTotals } from './price-invoice-line';

const optionalTime = (instant: number | null): string | undefined =>
  instant === null ? undefined : toTimeText(instant);

/** Neither credits nor taxes are computed; their totals are there because readers add them up. */
const totalsOf = (totals: TotalsText) => ({
  ...totals,
  creditsTotal: '0',
  taxesInclusiveTotal: '0',
  taxesExclusiveTotal: '0',
  taxesTotal: '0',
});

/** Whom an invoice is for, as they are now. */
export const invoiceCustomerOf = (customer: Customer): InvoiceCustomer => ({
  id: customer.id,
  key: customer.key,
  name: customer.name,
  address: customer.billingAddress,
  subjectKeys: customer.subjectKeys,
});

export interface DocumentParts {
  invoice: Invoice;
  customer: InvoiceCustomer;
  /** Priced. */
  lines: readonly InvoiceLine[];
  terms: InvoiceTerms;
}

/** An invoice in OpenMeter's shape: what the API answers and notifications send. */
export const invoiceDocument = ({ invoice, customer, lines, terms }: DocumentParts) => {
  const { from, to } = {
    from: Math.min(...lines.map(({ period }) => period.from)),
    to: Math.max(...lines.map(({ period }) => period.to)),
  };
  const actions = Object.entries(availableActions(invoice)).map(([action, resultingState]) => [
    action,
    action === 'invoice' ? {} : { resultingState },
  ]);
  return {
    id: invoice.id,
    type: 'standard' as const,
    description: invoice.description ?? undefined,
    metadata: invoice.metadata,
    createdAt: toTimeText(invoice.createdAt),
    updatedAt: toTimeText(invoice.updatedAt),
    deletedAt: optionalTime(invoice.deletedAt),
    supplier: { name: 'Supplier', addresses: [] },
    customer: {
      id: customer.id,
      key: customer.key ?? undefined,
      name: customer.name,
      addresses: customer.address ? [customer.address] : [],
      usageAttribution: { subjectKeys: customer.subjectKeys },
    },
    number: invoice.number ?? `${invoice.state === 'gathering' ? 'GATHER' : 'DRAFT'}-${invoice.id}`,
    currency: invoice.currency,
    totals: totalsOf(invoiceTotals(lines)),
    status: statusOfInvoice(invoice),
    statusDetails: {
      immutable: statusOfInvoice(invoice) !== 'gathering' && statusOfInvoice(invoice) !== 'draft',
      failed: invoice.state === 'payment_processing.failed',
      extendedStatus: invoice.state,
      availableActions: Object.fromEntries(actions) as Record<string, { resultingState?: string }>,
    },
    issuedAt: optionalTime(invoice.issuedAt),
    draftUntil: optionalTime(invoice.draftUntil),
    quantitySnapshotedAt: optionalTime(invoice.quantitySnapshottedAt),
    collectionAt: optionalTime(invoice.collectionAt),
    dueAt: optionalTime(invoice.dueAt),
    voidedAt: optionalTime(invoice.voidedAt),
    period: lines.length === 0 ? undefined : { from: toTimeText(from), to: toTimeText(to) },
    workflow: workflowOf(terms),
    lines: lines.map((line) => lineDocument(line, invoice)),
  };
};

export type InvoiceDocument = ReturnType<typeof invoiceDocument>;

/** There is one billing profile, the built-in one. */
const workflowOf = (terms: InvoiceTerms) => ({
  sourceBillingProfileId: '00000000000000000000000000',
  workflow: {
    collection: {
      alignment: { type: 'subscription' as const },
      interval: formatDuration(terms.collectionPeriod),
    },
    invoicing: {
      autoAdvance: true,
      draftPeriod: formatDuration(terms.draftPeriod),
      dueAfter: formatDuration(terms.dueAfter),
      progressiveBilling: false,
    },
    payment: { collectionMethod: 'charge_automatically' as const },
  },
});

/** A line in OpenMeter's shape; its children are the priced components. */
export const lineDocument = (line: InvoiceLine, invoice: Pick<Invoice, 'id' | 'number' | 'currency'>) => {
  const { priced } = line;
  const free = priced?.usageDiscount;
  const times = { createdAt: toTimeText(line.createdAt), updatedAt: toTimeText(line.updatedAt) };
  const shared = {
    ...times,
    managedBy: line.managedBy,
    currency: invoice.currency,
    invoice: { id: invoice.id, number: invoice.number ?? undefined },
    period: { from: toTimeText(line.period.from), to: toTimeText(line.period.to) },
    invoiceAt: toTimeText(line.invoiceAt),
  };
  return {
    id: line.id,
    type: 'usage_based' as const,
    name: line.name,
    description: line.description ?? undefined,
    metadata: line.metadata,
    ...shared,
    status: 'valid' as const,
    featureKey: line.featureKey ?? undefined,
    price: line.price,
    rateCard: {
      featureKey: line.featureKey ?? undefined,
      price: line.price,
      discounts: line.discounts ?? undefined,
      taxConfig: line.taxConfig ?? undefined,
    },
    taxConfig: line.taxConfig ?? undefined,
    quantity: line.quantity ?? undefined,
    meteredQuantity: line.quantity ?? undefined,
    preLinePeriodQuantity: line.preLineQuantity ?? undefined,
    meteredPreLinePeriodQuantity: line.preLineQuantity ?? undefined,
    discounts: {
      usage:
        free && free.quantity !== '0'
          ? [
              {
                id: line.id,
                ...times,
                reason: { type: 'ratecard_usage' as const, quantity: line.discounts?.usage?.quantity ?? '0' },
                quantity: free.quantity,
                preLinePeriodQuantity: free.preLineQuantity,
              },
            ]
          : [],
    },
    totals: totalsOf(priced?.totals ?? { amount: '0', chargesTotal: '0', discountsTotal: '0', total: '0' }),
    subscription: line.origin
      ? {
          subscription: { id: line.origin.subscriptionId },
          phase: { id: line.origin.phaseId },
          item: { id: line.origin.itemId },
          billingPeriod: {
            from: toTimeText(line.origin.billingPeriod.from),
            to: toTimeText(line.origin.billingPeriod.to),
          },
        }
      : undefined,
    children: (priced?.details ?? []).map((detail) => ({
      id: `${line.id}-${detail.key}`,
      type: 'flat_fee' as const,
      name: detail.name,
      ...shared,
      status: 'detailed' as const,
      category: detail.category,
      quantity: detail.quantity,
      perUnitAmount: detail.perUnitAmount,
      discounts: {
        amount: detail.discounts.map(({ reason, amount }) => ({
          id: `${line.id}-${detail.key}-${reason}`,
          ...times,
          reason:
            reason === 'maximum_spend'
              ? { type: 'maximum_spend' as const }
              : {
                  type: 'ratecard_percentage' as const,
                  percentage: line.discounts?.percentage?.percentage ?? 0,
                },
          amount,
        })),
      },
      totals: totalsOf(detail.totals),
    })),
  };
};
