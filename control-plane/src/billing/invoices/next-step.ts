import { addDuration, type Duration } from '../../primitives/durations';
import type { Invoice } from './invoice';

/** How invoices go on by themselves. */
export interface InvoiceTerms {
  /** How long a draft waits for late events. */
  collectionPeriod: Duration;
  /** How long a draft whose quantities are fixed can still be looked at before it is issued. */
  draftPeriod: Duration;
  /** How long after its issue an invoice is due. */
  dueAfter: Duration;
}

/** What came of collecting a payment. */
export type PaymentOutcome = 'paid' | 'failed' | 'action_required' | 'uncollectible';

/** Collects the payment of an issued invoice. */
export type CollectPayment = (invoice: Invoice) => PaymentOutcome;

/** OpenMeter's sandbox app: pays everything, unless the invoice's metadata asks for another outcome. */
export const sandboxPayment: CollectPayment = ({ metadata }) => {
  const wanted = metadata['openmeter.io/sandbox/target-payment-status'];
  return wanted === 'failed' || wanted === 'action_required' || wanted === 'uncollectible' ? wanted : 'paid';
};

/** The quantities of a draft are fixed; it waits to be issued. */
export const quantitiesFixed = (invoice: Invoice, terms: InvoiceTerms, now: number): Invoice => {
  const draftUntil = addDuration(now, terms.draftPeriod);
  return {
    ...invoice,
    state: 'draft.waiting_auto_approval',
    quantitySnapshottedAt: now,
    draftUntil,
    nextStepAt: draftUntil,
  };
};

/** A draft whose quantities are fixed is issued; its payment is collected next, once this is committed. */
export const issued = (invoice: Invoice, number: string, terms: InvoiceTerms, now: number): Invoice => ({
  ...invoice,
  state: 'issued',
  number,
  issuedAt: now,
  dueAt: addDuration(now, terms.dueAfter),
  nextStepAt: now,
});

/** Collects (or tries again to collect) the payment. What failed is overdue when its time has passed. */
export const paymentCollected = (invoice: Invoice, collect: CollectPayment, now: number): Invoice => {
  const outcome = collect(invoice);
  if (outcome === 'paid') return { ...invoice, state: 'paid', paidAt: now, nextStepAt: null };
  if (outcome === 'uncollectible') return { ...invoice, state: 'uncollectible', nextStepAt: null };
  if (invoice.dueAt !== null && invoice.dueAt <= now)
    return { ...invoice, state: 'overdue', nextStepAt: null };
  return { ...invoice, state: `payment_processing.${outcome}`, nextStepAt: invoice.dueAt };
};

/** An issued invoice that was not paid in time. */
export const overdue = (invoice: Invoice): Invoice => ({ ...invoice, state: 'overdue', nextStepAt: null });

/** Invoice numbers by the order of issue. */
export const invoiceNumber = (sequence: number): string => `INV-${String(sequence).padStart(6, '0')}`;

export type InvoiceAction =
  | 'advance'
  | 'approve'
  | 'delete'
  | 'retry'
  | 'snapshotQuantities'
  | 'void'
  | 'invoice';

/** What can be done with an invoice by hand, and the state that follows. */
export const availableActions = ({ state }: Invoice): Partial<Record<InvoiceAction, string>> => {
  switch (state) {
    case 'gathering':
      return { invoice: 'draft.waiting_for_collection' };
    case 'draft.waiting_for_collection':
      return {
        advance: 'draft.waiting_auto_approval',
        approve: 'paid',
        delete: 'deleted',
        snapshotQuantities: 'draft.waiting_auto_approval',
      };
    case 'draft.waiting_auto_approval':
      return { advance: 'paid', approve: 'paid', delete: 'deleted' };
    case 'issued':
      return { advance: 'paid', void: 'voided' };
    case 'payment_processing.failed':
    case 'payment_processing.action_required':
    case 'overdue':
      return { retry: 'paid', void: 'voided' };
    case 'uncollectible':
    case 'paid':
      return { void: 'voided' };
    case 'voided':
      return {};
  }
};
