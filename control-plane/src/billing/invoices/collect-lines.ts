import type { Customer } from '../../customers';
import { addDuration } from '../../primitives/durations';
import type { IdentifierSource } from '../../primitives/identifiers';
import { gatheringInvoice } from './gather-lines';
import { type Invoice, type InvoiceLine, isMetered } from './invoice';
import { invoiceCustomerOf } from './invoice-document';
import type { InvoiceTerms } from './next-step';

/**
 * The draft that takes lines off a gathering invoice. It waits for late events as long as the terms say after the last of
 * its metered periods; without such there is nothing to wait for. Pure.
 */
export const draftOf = (
  lines: readonly InvoiceLine[],
  gathering: Invoice,
  customer: Customer,
  terms: InvoiceTerms,
  newId: IdentifierSource,
  now: number,
): { invoice: Invoice; lines: InvoiceLine[] } => {
  const metered = lines.filter(isMetered).map(({ period }) => addDuration(period.to, terms.collectionPeriod));
  const collectionAt = Math.max(...lines.map(({ invoiceAt }) => Math.min(invoiceAt, now)), ...metered);
  const invoice: Invoice = {
    ...gatheringInvoice(customer.id, gathering.currency, newId, now),
    state: 'draft.waiting_for_collection',
    metadata: gathering.metadata,
    customer: invoiceCustomerOf(customer),
    collectionAt,
    nextStepAt: collectionAt,
  };
  return { invoice, lines: lines.map((line) => ({ ...line, invoiceId: invoice.id, updatedAt: now })) };
};

/** The lines that are due, by the time at which they are: each becomes an invoice, so that a billing period has its own. */
export const dueTogether = (lines: readonly InvoiceLine[], now: number): InvoiceLine[][] => {
  const groups = new Map<number, InvoiceLine[]>();
  for (const line of lines) {
    if (line.invoiceAt > now) continue;
    groups.set(line.invoiceAt, [...(groups.get(line.invoiceAt) ?? []), line]);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
};
