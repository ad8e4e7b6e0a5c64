import { formatQuantity, ONE, toQuantity, ZERO } from '../../primitives/decimal';
import type { Duration } from '../../primitives/durations';
import { addDuration } from '../../primitives/durations';
import type { IdentifierSource } from '../../primitives/identifiers';
import type { Queryable, Transaction } from '../../storage';
import { type Invoice, type InvoiceLine, isMetered } from './invoice';
import { billedPeriods, insertLines, linesOfInvoices, updateLines } from './invoice-line-store';
import { gatheringKey, lockCustomersOf } from './invoice-store';
import { measureLines } from './metered-feature-store';
import { priceInvoiceLine, wholeQuantity } from './price-invoice-line';

/** How far back events that come after their period was billed are still looked for. */
const lookBack: Duration = { months: 13, days: 0, ms: 0 };

/** Meters and prices lines as of now, without keeping it: the preview of what is not invoiced yet. */
export const previewLines = async (
  queryable: Queryable,
  lines: readonly InvoiceLine[],
  invoices: ReadonlyMap<string, Invoice>,
): Promise<InvoiceLine[]> => {
  const invoiceOf = (line: InvoiceLine): Invoice => invoices.get(line.invoiceId)!;
  const open = lines.filter(({ priced }) => priced === null);
  const metered = open.filter(isMetered);
  const usage = await measureLines(
    queryable,
    metered.map((line) => ({ line, customerId: invoiceOf(line).customerId })),
  );
  const quantities = new Map(metered.map((line, index) => [line.id, usage[index] ?? ZERO]));
  return lines.map((line) => {
    if (line.priced !== null) return line;
    const quantity = wholeQuantity(quantities.get(line.id) ?? ONE);
    return {
      ...line,
      quantity: formatQuantity(quantity.quantity),
      preLineQuantity: '0',
      priced: priceInvoiceLine(line, invoiceOf(line).currency, quantity),
    };
  });
};

/**
 * Fixes the quantities of drafts from the meters, prices their lines, and adds lines for what came late: events of periods
 * that earlier invoices billed. A period's lines together always bill what its meter says when the last one was fixed.
 */
export const fixQuantities = async (
  transaction: Transaction,
  invoices: readonly Invoice[],
  newId: IdentifierSource,
  now: number,
): Promise<void> => {
  if (invoices.length === 0) return;
  await lockCustomersOf(transaction, invoices);
  const byId = new Map(invoices.map((invoice) => [invoice.id, invoice]));
  const lines = await linesOfInvoices(
    transaction,
    invoices.map(({ id }) => id),
  );
  const corrections = await lateUsage(transaction, invoices, newId, now);
  const fixed = await previewLines(
    transaction,
    lines.filter(({ priced }) => priced === null),
    byId,
  );
  await updateLines(
    transaction,
    fixed.map((line) => ({ ...line, updatedAt: now })),
  );
  await insertLines(transaction, corrections);
};

/**
 * Lines for events that came after their period was billed: the customer's next invoice of the currency takes them, also
 * when the subscription they belong to has ended since.
 */
const lateUsage = async (
  transaction: Transaction,
  invoices: readonly Invoice[],
  newId: IdentifierSource,
  now: number,
): Promise<InvoiceLine[]> => {
  const next = new Map<string, Invoice>();
  for (const invoice of invoices) {
    const key = gatheringKey(invoice);
    if (!next.has(key)) next.set(key, invoice);
  }
  const periods = await billedPeriods(transaction, [...next.values()], addDuration(now, lookBack, -1));
  const usage = await measureLines(transaction, periods);
  return periods.flatMap(({ line, billed, customerId, currency }, index) => {
    const late = usage[index]?.minus(toQuantity(billed));
    if (!late || late.isZero()) return [];
    const invoice = next.get(gatheringKey({ customerId, currency }))!;
    const correction = { ...line, name: `${line.name} (late usage)`, correctsId: line.id };
    const quantity = { quantity: late, preLineQuantity: toQuantity(billed) };
    return [
      {
        ...correction,
        id: newId(),
        invoiceId: invoice.id,
        quantity: formatQuantity(late),
        preLineQuantity: billed,
        priced: priceInvoiceLine(correction, invoice.currency, quantity),
        createdAt: now,
        updatedAt: now,
      },
    ];
  });
};
