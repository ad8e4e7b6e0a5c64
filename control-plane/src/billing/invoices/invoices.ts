import { findFeature } from '../../catalog';
import { type Customer, customersById, findCustomer, lockCustomer } from '../../customers';
import type { Clock } from '../../primitives/clock';
import { toQuantity } from '../../primitives/decimal';
import type { IdentifierSource } from '../../primitives/identifiers';
import type { Period } from '../../primitives/periods';
import { conflict, invalid, notFound } from '../../primitives/refusal';
import { type Database, type Queryable, readConsistently, type Transaction } from '../../storage';
import type { DiscountTerms, PriceTerms } from '../plans/rate-card';
import { discountsOf, priceOf } from '../plans/rate-card';
import { minorUnitsOf } from '../pricing/currencies';
import { problemsOfDiscounts, problemsOfPrice } from '../pricing/price';
import { draftOf, dueTogether } from './collect-lines';
import { fixQuantities, previewLines } from './fix-quantities';
import { gatheringInvoice } from './gather-lines';
import { type Invoice, type InvoiceLine, isMetered } from './invoice';
import { type InvoiceDocument, invoiceCustomerOf, invoiceDocument } from './invoice-document';
import { insertLines, linesOfInvoices, updateLines } from './invoice-line-store';
import {
  ensureGathering,
  findInvoice,
  type InvoiceFilter,
  insertInvoices,
  listInvoices,
  lockGathering,
  lockInvoice,
  takeInvoiceNumbers,
  updateInvoices,
  wakeWithLines,
} from './invoice-store';
import {
  availableActions,
  type CollectPayment,
  type InvoiceAction,
  type InvoiceTerms,
  invoiceNumber,
  issued,
  overdue,
  paymentCollected,
  quantitiesFixed,
} from './next-step';
import { priceInvoiceLine } from './price-invoice-line';

/** A line by hand: billed with the customer's next invoice. */
export interface NewLine {
  name: string;
  description?: string | undefined;
  metadata?: Record<string, string> | undefined;
  taxConfig?: Record<string, unknown> | undefined;
  /** Epoch milliseconds. */
  period: Period;
  invoiceAt: number;
  featureKey?: string | undefined;
  price: PriceTerms;
  discounts?: DiscountTerms | undefined;
}

/** A line of a simulation: what it would cost if so much was used. Decimal text. */
export interface SimulatedLine extends NewLine {
  quantity: string;
  preLinePeriodQuantity?: string | undefined;
}

/** Tells that an invoice was created or changed, in the transaction that did it; notifications has it. */
export type TellInvoice = (
  transaction: Transaction,
  type: 'invoice.created' | 'invoice.updated',
  invoice: InvoiceDocument,
  now: number,
) => Promise<void>;

export interface InvoicesOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
  terms: InvoiceTerms;
  collectPayment: CollectPayment;
  tell: TellInvoice;
}

/** Moves invoices on, by themselves and by hand. */
export const createInvoices = ({ database, clock, newId, terms, collectPayment, tell }: InvoicesOptions) => {
  /** Invoices as the API shows them; what is not fixed yet is metered and priced as of now. */
  const documentsOf = async (
    queryable: Queryable,
    invoices: readonly Invoice[],
  ): Promise<InvoiceDocument[]> => {
    const byId = new Map(invoices.map((invoice) => [invoice.id, invoice]));
    const lines = await previewLines(queryable, await linesOfInvoices(queryable, [...byId.keys()]), byId);
    const customers = await customersById(queryable, [
      ...new Set(invoices.map(({ customerId }) => customerId)),
    ]);
    const linesOf = new Map<string, InvoiceLine[]>();
    for (const line of lines) linesOf.set(line.invoiceId, [...(linesOf.get(line.invoiceId) ?? []), line]);
    return invoices.map((invoice) =>
      invoiceDocument({
        invoice,
        customer: invoice.customer ?? invoiceCustomerOf(customers.get(invoice.customerId)!),
        lines: linesOf.get(invoice.id) ?? [],
        terms,
      }),
    );
  };

  const tellAll = async (
    transaction: Transaction,
    type: 'invoice.created' | 'invoice.updated',
    invoices: readonly Invoice[],
    now: number,
  ): Promise<InvoiceDocument[]> => {
    const documents = await documentsOf(transaction, invoices);
    for (const document of documents) await tell(transaction, type, document, now);
    return documents;
  };

  const fix = async (transaction: Transaction, invoices: readonly Invoice[], now: number) => {
    await fixQuantities(transaction, invoices, newId, now);
    return invoices.map((invoice) => quantitiesFixed(invoice, terms, now));
  };

  const issue = async (transaction: Transaction, invoices: readonly Invoice[], now: number) => {
    if (invoices.length === 0) return [];
    const numbers = await takeInvoiceNumbers(transaction, invoices.length);
    return invoices.map((invoice, index) =>
      issued(invoice, invoiceNumber(numbers[index]!), terms, collectPayment, now),
    );
  };

  /** Takes locked invoices through every step that is due. */
  const stepThrough = async (
    transaction: Transaction,
    invoices: readonly Invoice[],
    now: number,
  ): Promise<Invoice[]> => {
    const isDue = (invoice: Invoice, state: Invoice['state']) =>
      invoice.state === state && invoice.nextStepAt !== null && invoice.nextStepAt <= now;
    const fixed = await fix(
      transaction,
      invoices.filter((invoice) => isDue(invoice, 'draft.waiting_for_collection')),
      now,
    );
    const byId = new Map([...invoices, ...fixed].map((invoice) => [invoice.id, invoice]));
    const ready = [...byId.values()].filter((invoice) => isDue(invoice, 'draft.waiting_auto_approval'));
    for (const invoice of await issue(transaction, ready, now)) byId.set(invoice.id, invoice);
    return [...byId.values()].map((invoice) => {
      const isWaitingForPayment = invoice.state.startsWith('payment_processing.');
      const isLate = invoice.nextStepAt !== null && invoice.nextStepAt <= now;
      return { ...(isWaitingForPayment && isLate ? overdue(invoice) : invoice), updatedAt: now };
    });
  };

  /** Drafts invoices of locked gathering invoices: one for each group of lines. */
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
    await wakeWithLines(transaction, [...new Set(groups.map(({ gathering }) => gathering.id))]);
    await tellAll(transaction, 'invoice.created', invoices, now);
    return invoices;
  };

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
      const now = clock.now();
      const changed = { ...(await act(transaction, invoice, now)), updatedAt: now };
      await updateInvoices(transaction, [changed]);
      return (await tellAll(transaction, 'invoice.updated', [changed], now))[0]!;
    });

  const lineOf = async (
    queryable: Queryable,
    invoiceId: string,
    input: NewLine,
    currency: string,
    index: number,
    now: number,
  ): Promise<InvoiceLine> => {
    checkLine(input, currency, `$.lines[${index}]`);
    const feature =
      input.featureKey === undefined ? undefined : await findFeature(queryable, input.featureKey);
    if (input.featureKey !== undefined && !feature) throw notFound('feature', input.featureKey);
    return {
      id: newId(),
      invoiceId,
      managedBy: 'manual',
      origin: null,
      name: input.name,
      description: input.description ?? null,
      metadata: input.metadata ?? {},
      featureId: feature?.id ?? null,
      featureKey: feature?.key ?? null,
      price: input.price,
      discounts: input.discounts ?? null,
      taxConfig: input.taxConfig ?? null,
      period: input.period,
      invoiceAt: input.invoiceAt,
      correctsId: null,
      quantity: null,
      preLineQuantity: null,
      priced: null,
      createdAt: now,
      updatedAt: now,
    };
  };

  return {
    /** Drafts what is due of locked gathering invoices; the scheduler's part. */
    collectDue: async (
      transaction: Transaction,
      gathering: readonly Invoice[],
      now: number,
    ): Promise<void> => {
      const lines = await linesOfInvoices(
        transaction,
        gathering.map(({ id }) => id),
      );
      const groups = gathering.flatMap((invoice) =>
        dueTogether(
          lines.filter(({ invoiceId }) => invoiceId === invoice.id),
          now,
        ).map((group) => ({ gathering: invoice, lines: group })),
      );
      await draft(transaction, groups, now);
      // All of them, also those that woke for lines which are gone.
      await wakeWithLines(
        transaction,
        gathering.map(({ id }) => id),
      );
    },

    /** Steps locked invoices through what is due and tells of it; the scheduler's part. */
    stepDue: async (transaction: Transaction, invoices: readonly Invoice[], now: number): Promise<void> => {
      if (invoices.length === 0) return;
      const stepped = await stepThrough(transaction, invoices, now);
      await updateInvoices(transaction, stepped);
      await tellAll(transaction, 'invoice.updated', stepped, now);
    },

    /** @throws Refusal `invoice_not_found` */
    get: async (id: string): Promise<InvoiceDocument> => {
      const documents = await readConsistently(database, async (queryable) => {
        const invoice = await findInvoice(queryable, id);
        return invoice ? documentsOf(queryable, [invoice]) : [];
      });
      if (!documents[0]) throw notFound('invoice', id);
      return documents[0];
    },

    /** One page of invoices; all of it is of one moment, so that a line is on one invoice only. */
    list: (filter: InvoiceFilter, slice: { limit: number; offset: number }) =>
      readConsistently(database, async (queryable) => {
        const { items, totalCount } = await listInvoices(queryable, filter, slice);
        return { items: await documentsOf(queryable, items), totalCount };
      }),

    /** Fixes the quantities without waiting for late events. @throws Refusal `invoice_not_found`, `invoice_state` */
    snapshotQuantities: (id: string) =>
      acting(
        id,
        'snapshotQuantities',
        async (transaction, invoice, now) => (await fix(transaction, [invoice], now))[0]!,
      ),

    /** Issues a draft without waiting. @throws Refusal `invoice_not_found`, `invoice_state` */
    approve: (id: string) =>
      acting(id, 'approve', async (transaction, invoice, now) => {
        const isFixed = invoice.quantitySnapshottedAt !== null;
        const ready = isFixed ? [invoice] : await fix(transaction, [invoice], now);
        return (await issue(transaction, ready, now))[0]!;
      }),

    /** Takes a draft through every step that is due; one that waits stays as it is. @throws Refusal as approve */
    advance: (id: string) =>
      acting(
        id,
        'advance',
        async (transaction, invoice, now) => (await stepThrough(transaction, [invoice], now))[0]!,
      ),

    /** Tries to collect the payment again. @throws Refusal `invoice_not_found`, `invoice_state` */
    retry: (id: string) =>
      acting(id, 'retry', async (_transaction, invoice, now) =>
        paymentCollected(invoice, collectPayment, now),
      ),

    /** Declares an issued invoice void: nothing of it is billed again. @throws Refusal as retry */
    void: (id: string, reason: string) =>
      acting(id, 'void', async (_transaction, invoice, now) => ({
        ...invoice,
        state: 'voided',
        voidedAt: now,
        voidReason: reason,
        nextStepAt: null,
      })),

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
        const now = clock.now();
        const changed = { ...invoice, ...change, updatedAt: now };
        await updateInvoices(transaction, [changed]);
        return (await tellAll(transaction, 'invoice.updated', [changed], now))[0]!;
      }),

    /** Deletes a draft with its lines: they are not billed. @throws Refusal `invoice_not_found`, `invoice_state` */
    delete: (id: string): Promise<void> =>
      database.transaction(async (transaction) => {
        const invoice = await lockInvoice(transaction, id);
        if (!invoice) throw notFound('invoice', id);
        expectAction(invoice, 'delete');
        const now = clock.now();
        await updateInvoices(transaction, [{ ...invoice, deletedAt: now, updatedAt: now, nextStepAt: null }]);
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
        const lines: InvoiceLine[] = [];
        for (const [index, input] of inputs.entries())
          lines.push(await lineOf(transaction, gathering.id, input, currency, index, now));
        await insertLines(transaction, lines);
        await wakeWithLines(transaction, [gathering.id]);
        const [invoice] = await documentsOf(transaction, [gathering]);
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
        const drafts = await draft(transaction, groups, now);
        const stepped = await stepThrough(transaction, drafts, now);
        await updateInvoices(transaction, stepped);
        return documentsOf(transaction, stepped);
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
      const lines: InvoiceLine[] = [];
      for (const [index, input] of inputs.entries()) {
        const line = await lineOf(database, invoice.id, input, currency, index, now);
        const quantity = {
          quantity: toQuantity(input.quantity),
          preLineQuantity: toQuantity(input.preLinePeriodQuantity ?? '0'),
        };
        lines.push({
          ...line,
          quantity: input.quantity,
          preLineQuantity: input.preLinePeriodQuantity ?? '0',
          priced: priceInvoiceLine(line, currency, quantity),
        });
      }
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

const checkLine = (line: NewLine, currency: string, path: string): void => {
  const refuse = (field: string, message: string) =>
    invalid('invalid_line', `${field} ${message}`, [{ code: 'invalid_line', field, message }]);
  if (minorUnitsOf(currency) === undefined)
    throw refuse('$.currency', 'must be an ISO 4217 code such as USD');
  if (line.period.from >= line.period.to) throw refuse(`${path}.period`, 'must begin before it ends');
  const price = priceOf(line.price);
  const [problem] = [...problemsOfPrice(price), ...problemsOfDiscounts(discountsOf(line.discounts), price)];
  if (problem) throw refuse(`${path}.rateCard.${problem.field}`, problem.message);
  if (isMetered(line) && line.featureKey === undefined)
    throw refuse(`${path}.featureKey`, 'is needed: the price is by usage');
};
