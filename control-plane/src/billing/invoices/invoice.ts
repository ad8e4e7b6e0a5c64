import type { BillingAddress } from '../../customers';
import type { Period } from '../../primitives/periods';
import type { DiscountTerms, PriceTerms } from '../plans/rate-card';

/**
 * Where an invoice stands, by OpenMeter's names of the extended status. Lines gather on one invoice a customer and currency;
 * those that are due move to a draft, which waits for late events, then is issued and paid.
 */
export const invoiceStates = [
  'gathering',
  'draft.waiting_for_collection',
  'draft.waiting_auto_approval',
  'issued',
  'payment_processing.failed',
  'payment_processing.action_required',
  'overdue',
  'paid',
  'uncollectible',
  'voided',
] as const;
export type InvoiceState = (typeof invoiceStates)[number];

/** OpenMeter's InvoiceStatus. */
export const invoiceStatuses = [
  'gathering',
  'draft',
  'issuing',
  'issued',
  'payment_processing',
  'overdue',
  'paid',
  'uncollectible',
  'voided',
] as const;
export type InvoiceStatus = (typeof invoiceStatuses)[number];

export const statusOfInvoice = ({ state }: { state: InvoiceState }): InvoiceStatus =>
  state.split('.', 1)[0] as InvoiceStatus;

/** Whom an invoice is for, as they were when it was drafted. */
export interface InvoiceCustomer {
  id: string;
  key: string | null;
  name: string;
  address: BillingAddress | null;
  subjectKeys: string[];
}

/** Times are epoch milliseconds. */
export interface Invoice {
  id: string;
  customerId: string;
  currency: string;
  state: InvoiceState;
  number: string | null;
  description: string | null;
  metadata: Record<string, string>;
  customer: InvoiceCustomer | null;
  collectionAt: number | null;
  quantitySnapshottedAt: number | null;
  draftUntil: number | null;
  issuedAt: number | null;
  dueAt: number | null;
  paidAt: number | null;
  voidedAt: number | null;
  voidReason: string | null;
  nextStepAt: number | null;
  createdAt: number;
  updatedAt: number;
  deletedAt: number | null;
}

/** Decimal text of amounts in the currency; amount + chargesTotal - discountsTotal = total. */
export interface TotalsText {
  amount: string;
  chargesTotal: string;
  discountsTotal: string;
  total: string;
}

/** A priced line as it is kept; see pricing/price-line.ts. */
export interface PricedText {
  details: {
    key: string;
    name: string;
    category: 'regular' | 'commitment';
    quantity: string;
    perUnitAmount: string;
    discounts: { reason: 'ratecard_percentage' | 'maximum_spend'; amount: string }[];
    totals: TotalsText;
  }[];
  usageDiscount: { quantity: string; preLineQuantity: string };
  totals: TotalsText;
}

/** One thing that is billed for a period. */
export interface InvoiceLine {
  id: string;
  invoiceId: string;
  managedBy: 'subscription' | 'manual';
  /** The item of a subscription that the line is for, and the whole billing period that the line is (a part) of. */
  origin: { subscriptionId: string; phaseId: string; itemId: string; billingPeriod: Period } | null;
  name: string;
  description: string | null;
  metadata: Record<string, string>;
  featureId: string | null;
  featureKey: string | null;
  price: PriceTerms;
  discounts: DiscountTerms | null;
  taxConfig: Record<string, unknown> | null;
  period: Period;
  /** When it is due to be invoiced. */
  invoiceAt: number;
  correctsId: string | null;
  /** Decimal text; null until the invoice's quantities are fixed. */
  quantity: string | null;
  preLineQuantity: string | null;
  priced: PricedText | null;
  createdAt: number;
  updatedAt: number;
}

/** Whether a line's quantity is metered; a flat fee's is one. */
export const isMetered = ({ price }: Pick<InvoiceLine, 'price'>): boolean => price.type !== 'flat';
