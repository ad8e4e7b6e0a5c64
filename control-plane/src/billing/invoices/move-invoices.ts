import { type Customer, customersById } from '../../customers';
import type { IdentifierSource } from '../../primitives/identifiers';
import type { Transaction } from '../../storage';
import { draftOf, dueTogether } from './collect-lines';
import { fixQuantities } from './fix-quantities';
import type { Invoice, InvoiceLine } from './invoice';
import { linesOfInvoices, updateLines } from './invoice-line-store';
import { insertInvoices, takeInvoiceNumbers, updateInvoices, wakeWithLines } from './invoice-store';
import {
  type CollectPayment,
  type InvoiceTerms,
  invoiceNumber,
  issued,
  overdue,
  paymentCollected,
  quantitiesFixed,
} from './next-step';
import { type TellInvoice, tellInvoices } from './tell-invoices';

export interface MoveInvoicesOptions {
  newId: IdentifierSource;
  terms: InvoiceTerms;
  collectPayment: CollectPayment;
  tell: TellInvoice;
}

/**
 * The steps of invoices that the caller has locked. Each writes what it changes and tells of it, in the caller's
 * transaction.
 */
export const createMoveInvoices = (options: MoveInvoicesOptions) => {
  const { newId, terms, collectPayment } = options;

  const save = async (transaction: Transaction, invoices: readonly Invoice[], now: number) => {
    const saved = invoices.map((invoice) => ({ ...invoice, updatedAt: now }));
    if (saved.length === 0) return saved;
    await updateInvoices(transaction, saved);
    await tellInvoices(transaction, 'invoice.updated', saved, options, now);
    return saved;
  };

  /** Drafts an invoice of each group of lines. */
  const draft = async (
    transaction: Transaction,
    groups: readonly { gathering: Invoice; lines: readonly InvoiceLine[] }[],
    now: number,
  ): Promise<Invoice[]> => {
    if (groups.length === 0) return [];
    const customers = await customersById(
      transaction,
      groups.map(({ gathering }) => gathering.customerId),
    );
    const drafts = groups.map(({ gathering, lines }) =>
      draftOf(lines, gathering, customers.get(gathering.customerId) as Customer, terms, newId, now),
    );
    const invoices = drafts.map(({ invoice }) => invoice);
    await insertInvoices(transaction, invoices);
    await updateLines(
      transaction,
      drafts.flatMap(({ lines }) => lines),
    );
    await tellInvoices(transaction, 'invoice.created', invoices, options, now);
    return invoices;
  };

  /** Fixes the quantities of drafts. */
  const fix = async (
    transaction: Transaction,
    invoices: readonly Invoice[],
    now: number,
  ): Promise<Invoice[]> => {
    await fixQuantities(transaction, invoices, newId, now);
    return save(
      transaction,
      invoices.map((invoice) => quantitiesFixed(invoice, terms, now)),
      now,
    );
  };

  /** Issues drafts whose quantities are fixed: from here on they do not change any more. */
  const issue = async (
    transaction: Transaction,
    invoices: readonly Invoice[],
    now: number,
  ): Promise<Invoice[]> => {
    if (invoices.length === 0) return [];
    const numbers = await takeInvoiceNumbers(transaction, invoices.length);
    const numbered = invoices.map((invoice, index) =>
      issued(invoice, invoiceNumber(numbers[index]!), terms, now),
    );
    return save(transaction, numbered, now);
  };

  /** Collects payments, or tries again to. */
  const collect = (transaction: Transaction, invoices: readonly Invoice[], now: number): Promise<Invoice[]> =>
    save(
      transaction,
      invoices.map((invoice) => paymentCollected(invoice, collectPayment, now)),
      now,
    );

  /** Takes each invoice that is due one step; gives those that were. */
  const stepOnce = async (
    transaction: Transaction,
    invoices: readonly Invoice[],
    now: number,
  ): Promise<Invoice[]> => {
    const due = invoices.filter(({ nextStepAt }) => nextStepAt !== null && nextStepAt <= now);
    const inState = (...states: Invoice['state'][]) => due.filter(({ state }) => states.includes(state));
    const unpaid = inState('payment_processing.failed', 'payment_processing.action_required');
    return [
      ...(await save(transaction, unpaid.map(overdue), now)),
      ...(await fix(transaction, inState('draft.waiting_for_collection'), now)),
      ...(await issue(transaction, inState('draft.waiting_auto_approval'), now)),
      ...(await collect(transaction, inState('issued'), now)),
    ];
  };

  /** Takes one invoice through every step that is due. */
  const stepThrough = async (transaction: Transaction, invoice: Invoice, now: number): Promise<Invoice> => {
    const [stepped] = await stepOnce(transaction, [invoice], now);
    return stepped ? stepThrough(transaction, stepped, now) : invoice;
  };

  return {
    draft,
    fix,
    issue,
    collect,
    save,
    stepOnce,
    stepThrough,

    /** Drafts what is due of gathering invoices, and lets each wake when its next line is. */
    collectDue: async (
      transaction: Transaction,
      gathering: readonly Invoice[],
      now: number,
    ): Promise<void> => {
      const ids = gathering.map(({ id }) => id);
      const byInvoice = new Map(gathering.map((invoice) => [invoice.id, [] as InvoiceLine[]]));
      for (const line of await linesOfInvoices(transaction, ids)) byInvoice.get(line.invoiceId)!.push(line);
      const groups = gathering.flatMap((invoice) =>
        dueTogether(byInvoice.get(invoice.id)!, now).map((lines) => ({ gathering: invoice, lines })),
      );
      await draft(transaction, groups, now);
      // All of them, also those that woke for lines which are gone.
      await wakeWithLines(transaction, ids);
    },
  };
};

export type MoveInvoices = ReturnType<typeof createMoveInvoices>;
