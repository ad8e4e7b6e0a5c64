import { customersById } from '../../customers';
import type { Queryable, Transaction } from '../../storage';
import { previewLines } from './fix-quantities';
import type { Invoice, InvoiceLine } from './invoice';
import { type InvoiceDocument, invoiceCustomerOf, invoiceDocument } from './invoice-document';
import { linesOfInvoices } from './invoice-line-store';
import type { InvoiceTerms } from './next-step';

/** Tells that an invoice was created or changed, in the transaction that did it; notifications has it. */
export type TellInvoice = (
  transaction: Transaction,
  type: 'invoice.created' | 'invoice.updated',
  invoice: InvoiceDocument,
  now: number,
) => Promise<void>;

/** Invoices as the API shows them; what is not fixed yet is metered and priced as of now. */
export const documentsOf = async (
  queryable: Queryable,
  invoices: readonly Invoice[],
  terms: InvoiceTerms,
): Promise<InvoiceDocument[]> => {
  const byId = new Map(invoices.map((invoice) => [invoice.id, invoice]));
  const lines = await previewLines(queryable, await linesOfInvoices(queryable, [...byId.keys()]), byId);
  // A draft and what follows it carry their customer as it was then.
  const gathering = invoices.filter(({ customer }) => customer === null);
  const customers =
    gathering.length === 0
      ? new Map()
      : await customersById(queryable, [...new Set(gathering.map(({ customerId }) => customerId))]);
  const linesOf = new Map<string, InvoiceLine[]>();
  for (const line of lines) {
    const of = linesOf.get(line.invoiceId);
    if (of) of.push(line);
    else linesOf.set(line.invoiceId, [line]);
  }
  return invoices.map((invoice) =>
    invoiceDocument({
      invoice,
      customer: invoice.customer ?? invoiceCustomerOf(customers.get(invoice.customerId)!),
      lines: linesOf.get(invoice.id) ?? [],
      terms,
    }),
  );
};

/** Tells of invoices that were created or changed, and gives them as they were told. */
export const tellInvoices = async (
  transaction: Transaction,
  type: 'invoice.created' | 'invoice.updated',
  invoices: readonly Invoice[],
  { terms, tell }: { terms: InvoiceTerms; tell: TellInvoice },
  now: number,
): Promise<InvoiceDocument[]> => {
  const documents = await documentsOf(transaction, invoices, terms);
  for (const document of documents) await tell(transaction, type, document, now);
  return documents;
};
