import { findCustomer, lockCustomer } from '../../customers';
import type { Clock } from '../../primitives/clock';
import { toQuantity } from '../../primitives/decimal';
import { conflict, invalid, notFound } from '../../primitives/refusal';
import { type Database, readConsistently, type Transaction } from '../../storage';
import { gatheringInvoice } from './gather-lines';
import type { Invoice, InvoiceLine } from './invoice';
import { type InvoiceDocument, invoiceCustomerOf, invoiceDocument } from './invoice-document';
import { insertLines, linesOfInvoices } from './invoice-line-store';
import {
  ensureGathering,
  findInvoice,
  type InvoiceFilter,
  listInvoices,
  lockGathering,
  lockInvoice,
  wakeWithLines,
} from './invoice-store';
import { manualLines, type NewLine, type SimulatedLine } from './manual-lines';
import type { MoveInvoices, MoveInvoicesOptions } from './move-invoices';
import { availableActions, type InvoiceAction } from './next-step';
import { priceInvoiceLine } from './price-invoice-line';
import { documentsOf } from './tell-invoices';

export interface InvoicesOptions extends Pick<MoveInvoicesOptions, 'newId' | 'terms'> {
  database: Database;
  clock: Clock;
  moves: MoveInvoices;
}

/** What is done with invoices by hand, and how they are read. */
export const createInvoices = ({ database, clock, newId, terms, moves }: InvoicesOptions) => {
  /** Runs an action on one invoice that allows it. */
  const acting = (
    id: string,
    action: InvoiceAction,
    act: (transaction: Transaction, invoice: Invoice, now: number) => Promise<Invoice>,
  ): Promise<InvoiceDocument> =>
    database.transaction(async (transaction) => {
      const invoice = await lockInvoice(transaction, id);
      if (!invoice) throw notFound('invoice', id);
      expectAction(invoice, action);
      const changed = await act(transaction, invoice, clock.now());
      return (await documentsOf(transaction, [changed], terms))[0]!;
    });

  return {
    /** @throws Refusal `invoice_not_found` */
    get: async (id: string): Promise<InvoiceDocument> => {
      const documents = await readConsistently(database, async (queryable) => {
        const invoice = await findInvoice(queryable, id);
        return invoice ? documentsOf(queryable, [invoice], terms) : [];
      });
      if (!documents[0]) throw notFound('invoice', id);
      return documents[0];
    },

    /** One page of invoices; all of it is of one moment, so that a line is on one invoice only. */
    list: (filter: InvoiceFilter, slice: { limit: number; offset: number }) =>
      readConsistently(database, async (queryable) => {
        const { items, totalCount } = await listInvoices(queryable, filter, slice);
        return { items: await documentsOf(queryable, items, terms), totalCount };
      }),

    /** Fixes the quantities without waiting for late events. @throws Refusal `invoice_not_found`, `invoice_state` */
    snapshotQuantities: (id: string) =>
      acting(
        id,
        'snapshotQuantities',
        async (transaction, invoice, now) => (await moves.fix(transaction, [invoice], now))[0]!,
      ),

    /**
     * Issues a draft without waiting, and collects its payment. @throws Refusal `invoice_not_found`, `invoice_state`
     */
    approve: (id: string) =>
      acting(id, 'approve', async (transaction, invoice, now) => {
        const isFixed = invoice.quantitySnapshottedAt !== null;
        const ready = isFixed ? [invoice] : await moves.fix(transaction, [invoice], now);
        return moves.stepThrough(transaction, (await moves.issue(transaction, ready, now))[0]!, now);
      }),

    /** Takes an invoice through every step that is due; one that waits stays as it is. @throws Refusal as approve */
    advance: (id: string) => acting(id, 'advance', moves.stepThrough),

    /** Tries to collect the payment again. @throws Refusal `invoice_not_found`, `invoice_state` */
    retry: (id: string) =>
      acting(
        id,
        'retry',
        async (transaction, invoice, now) => (await moves.collect(transaction, [invoice], now))[0]!,
      ),

    /** Declares an issued invoice void: nothing of it is billed again. @throws Refusal as retry */
    void: (id: string, reason: string) =>
      acting(id, 'void', async (transaction, invoice, now) => {
        const state = 'voided' as const;
        const voided = { ...invoice, state, voidedAt: now, voidReason: reason, nextStepAt: null };
        return (await moves.save(transaction, [voided], now))[0]!;
      }),

    /** Describes an invoice; its lines do not change by it. @throws Refusal `invoice_not_found` */
    describe: (
      id: string,
      change: Pick<Invoice, 'description' | 'metadata'>,
      lineIds: readonly string[],
    ): Promise<InvoiceDocument> =>
      database.transaction(async (transaction) => {
        const invoice = await lockInvoice(transaction, id);
        if (!invoice) throw notFound('invoice', id);
        const own = (await linesOfInvoices(transaction, [id])).map((line) => line.id).sort();
        if (own.join() !== [...lineIds].sort().join()) {
          const message = "must be the invoice's lines, by their ids: lines are added as pending lines";
          throw invalid('invalid_invoice', message, [{ code: 'lines_changed', field: '$.lines', message }]);
        }
        const changed = await moves.save(transaction, [{ ...invoice, ...change }], clock.now());
        return (await documentsOf(transaction, changed, terms))[0]!;
      }),

    /** Deletes a draft with its lines: they are not billed. @throws Refusal `invoice_not_found`, `invoice_state` */
    delete: (id: string): Promise<void> =>
      database.transaction(async (transaction) => {
        const invoice = await lockInvoice(transaction, id);
        if (!invoice) throw notFound('invoice', id);
        expectAction(invoice, 'delete');
        const now = clock.now();
        await moves.save(transaction, [{ ...invoice, deletedAt: now, nextStepAt: null }], now);
      }),

    /**
     * Adds lines to a customer's gathering invoice.
     * @throws Refusal `customer_not_found`, `feature_not_found`, `invalid_line`
     */
    addPendingLines: async (customerId: string, currency: string, inputs: readonly NewLine[]) => {
      const customer = await findCustomer(database, customerId);
      if (!customer) throw notFound('customer', customerId);
      return database.transaction(async (transaction) => {
        if (!(await lockCustomer(transaction, customer.id))) throw notFound('customer', customerId);
        const now = clock.now();
        const wanted = gatheringInvoice(customer.id, currency, newId, now);
        const gathering = [...(await ensureGathering(transaction, [wanted])).values()][0]!;
        const before = await linesOfInvoices(transaction, [gathering.id]);
        const lines = await manualLines(transaction, gathering, inputs, newId, now);
        await insertLines(transaction, lines);
        await wakeWithLines(transaction, [gathering.id]);
        const [invoice] = await documentsOf(transaction, [gathering], terms);
        const ids = new Set(lines.map(({ id }) => id));
        return {
          lines: invoice!.lines.filter(({ id }) => ids.has(id)),
          invoice: invoice!,
          isInvoiceNew: before.length === 0,
        };
      });
    },

    /**
     * Invoices a customer's pending lines that are due, now instead of when the scheduler comes to it.
     * @throws Refusal `customer_not_found`, `invalid_as_of`, `no_pending_lines`
     */
    invoicePendingLines: async (
      customerId: string,
      { lineIds, asOf }: { lineIds?: readonly string[] | undefined; asOf?: number | undefined },
    ): Promise<InvoiceDocument[]> => {
      const customer = await findCustomer(database, customerId);
      if (!customer) throw notFound('customer', customerId);
      return database.transaction(async (transaction) => {
        const now = clock.now();
        if (asOf !== undefined && asOf > now) {
          const message = 'asOf must not lie in the future';
          throw invalid('invalid_as_of', message, [{ code: 'in_future', field: '$.asOf', message }]);
        }
        const gathering = await lockGathering(transaction, customer.id);
        const lines = await linesOfInvoices(
          transaction,
          gathering.map(({ id }) => id),
        );
        const groups = gathering.flatMap((invoice) => {
          const chosen = lines.filter(
            ({ invoiceId, id, invoiceAt }) =>
              invoiceId === invoice.id && invoiceAt <= (asOf ?? now) && (lineIds?.includes(id) ?? true),
          );
          return chosen.length === 0 ? [] : [{ gathering: invoice, lines: chosen }];
        });
        if (groups.length === 0) {
          throw invalid(
            'no_pending_lines',
            "no pending line of the customer is due; see the lines' invoiceAt",
          );
        }
        const drafts = await moves.draft(transaction, groups, now);
        await wakeWithLines(
          transaction,
          groups.map(({ gathering: { id } }) => id),
        );
        const stepped: Invoice[] = [];
        for (const draft of drafts) stepped.push(await moves.stepThrough(transaction, draft, now));
        return documentsOf(transaction, stepped, terms);
      });
    },

    /** What lines would cost if so much was used; nothing is kept. @throws Refusal as addPendingLines */
    simulate: async (
      customerId: string,
      currency: string,
      inputs: readonly SimulatedLine[],
      number?: string,
    ) => {
      const customer = await findCustomer(database, customerId);
      if (!customer) throw notFound('customer', customerId);
      const now = clock.now();
      const invoice: Invoice = {
        ...gatheringInvoice(customer.id, currency, newId, now),
        state: 'draft.waiting_auto_approval',
        number: number ?? null,
      };
      const drafted = await manualLines(database, invoice, inputs, newId, now);
      const lines = drafted.map((line, index): InvoiceLine => {
        const { quantity, preLinePeriodQuantity = '0' } = inputs[index]!;
        const of = { quantity: toQuantity(quantity), preLineQuantity: toQuantity(preLinePeriodQuantity) };
        return {
          ...line,
          quantity,
          preLineQuantity: preLinePeriodQuantity,
          priced: priceInvoiceLine(line, currency, of),
        };
      });
      return invoiceDocument({ invoice, customer: invoiceCustomerOf(customer), lines, terms });
    },
  };
};

export type Invoices = ReturnType<typeof createInvoices>;

const expectAction = (invoice: Invoice, action: InvoiceAction): void => {
  const available = Object.keys(availableActions(invoice));
  if (available.includes(action)) return;
  const message = `an invoice that is ${invoice.state} does not take "${action}"; it takes: ${available.join(', ') || 'nothing'}`;
  throw conflict('invoice_state', message, { state: invoice.state });
};
