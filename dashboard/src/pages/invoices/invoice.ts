import type { Tone } from '../../ui/badge';
import type { PriceTerms } from '../plans/price';

interface Period {
  from: string;
  to: string;
}

interface Totals {
  amount: string;
  chargesTotal: string;
  discountsTotal: string;
  total: string;
}

export interface DetailedLine {
  id: string;
  name: string;
  category: 'regular' | 'commitment';
  quantity: string;
  perUnitAmount: string;
  totals: Totals;
  discounts: { amount: { id: string; amount: string; reason: { type: string; percentage?: number } }[] };
}

export interface InvoiceLine {
  id: string;
  name: string;
  description?: string;
  managedBy: string;
  currency: string;
  period: Period;
  invoiceAt: string;
  totals: Totals;
  featureKey?: string;
  price: PriceTerms;
  quantity?: string;
  meteredQuantity?: string;
  discounts: { usage: { id: string; quantity: string }[] };
  children: DetailedLine[];
}

/** An invoice as the API shows it; lines only where they were asked for. */
export interface Invoice {
  id: string;
  number: string;
  description?: string;
  currency: string;
  totals: Totals;
  status: string;
  statusDetails: {
    failed: boolean;
    extendedStatus: string;
    availableActions: Record<string, { resultingState?: string }>;
  };
  customer: { id: string; key?: string; name: string };
  createdAt: string;
  updatedAt: string;
  issuedAt?: string;
  draftUntil?: string;
  collectionAt?: string;
  quantitySnapshotedAt?: string;
  dueAt?: string;
  voidedAt?: string;
  period?: Period;
  lines?: InvoiceLine[];
}

export const invoicesPath = '/api/v1/billing/invoices';

export const invoiceHref = (id: string): string => `/invoices/${encodeURIComponent(id)}`;

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

/** Only an issued invoice has a number of its own. */
export const invoiceName = ({ status, number }: Pick<Invoice, 'status' | 'number'>): string => {
  if (status === 'gathering') return 'Next invoice';
  return status === 'draft' ? 'Draft invoice' : number;
};

const tones: Record<string, Tone> = {
  paid: 'in',
  overdue: 'out',
  uncollectible: 'out',
  payment_processing: 'warned',
  gathering: 'accent',
};

export const invoiceTone = ({ status, statusDetails }: Pick<Invoice, 'status' | 'statusDetails'>): Tone =>
  statusDetails.failed ? 'out' : (tones[status] ?? 'neutral');

/** A state in words: "payment processing", "draft, waiting for collection". */
export const stateWords = (extendedStatus: string): string => {
  const [status, step] = extendedStatus.split('.');
  return [status, step].filter(Boolean).join(', ').replaceAll('_', ' ');
};
