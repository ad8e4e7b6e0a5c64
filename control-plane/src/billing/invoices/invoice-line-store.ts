import type { Queryable, Transaction } from '../../storage';
import type { DiscountTerms, PriceTerms } from '../plans/rate-card';
import type { Invoice, InvoiceLine, PricedText } from './invoice';

interface LineRow {
  id: string;
  invoice_id: string;
  managed_by: 'subscription' | 'manual';
  origin: InvoiceLine['origin'];
  item_id: string | null;
  name: string;
  description: string | null;
  metadata: Record<string, string>;
  feature_id: string | null;
  feature_key: string | null;
  price: PriceTerms;
  discounts: DiscountTerms | null;
  tax_config: Record<string, unknown> | null;
  period_from: number;
  period_to: number;
  invoice_at: number;
  corrects_id: string | null;
  quantity: string | null;
  pre_line_quantity: string | null;
  priced: PricedText | null;
  created_at: number;
  updated_at: number;
}

const lineOf = (row: LineRow): InvoiceLine => ({
  id: row.id,
  invoiceId: row.invoice_id,
  managedBy: row.managed_by,
  origin: row.origin,
  name: row.name,
  description: row.description,
  metadata: row.metadata,
  featureId: row.feature_id,
  featureKey: row.feature_key,
  price: row.price,
  discounts: row.discounts,
  taxConfig: row.tax_config,
  period: { from: row.period_from, to: row.period_to },
  invoiceAt: row.invoice_at,
  correctsId: row.corrects_id,
  quantity: row.quantity,
  preLineQuantity: row.pre_line_quantity,
  priced: row.priced,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

const rowOf = (line: InvoiceLine): LineRow => ({
  id: line.id,
  invoice_id: line.invoiceId,
  managed_by: line.managedBy,
  origin: line.origin,
  item_id: line.origin?.itemId ?? null,
  name: line.name,
  description: line.description,
  metadata: line.metadata,
  feature_id: line.featureId,
  feature_key: line.featureKey,
  price: line.price,
  discounts: line.discounts,
  tax_config: line.taxConfig,
  period_from: line.period.from,
  period_to: line.period.to,
  invoice_at: line.invoiceAt,
  corrects_id: line.correctsId,
  quantity: line.quantity,
  pre_line_quantity: line.preLineQuantity,
  priced: line.priced,
  created_at: line.createdAt,
  updated_at: line.updatedAt,
});

const columns = `id, invoice_id, managed_by, origin, item_id, name, description, metadata, feature_id, feature_key, price,
  discounts, tax_config, period_from, period_to, invoice_at, corrects_id, quantity, pre_line_quantity, priced, created_at,
  updated_at`;

/** Inserts lines; a period of an item that has its line already is left as it is. */
export const insertLines = async (transaction: Transaction, lines: readonly InvoiceLine[]): Promise<void> => {
  if (lines.length === 0) return;
  await transaction.query(
    `INSERT INTO invoice_line (${columns})
     SELECT ${columns} FROM jsonb_populate_recordset(NULL::invoice_line, $1::jsonb)
     ON CONFLICT (item_id, period_from) WHERE corrects_id IS NULL AND item_id IS NOT NULL DO NOTHING`,
    [JSON.stringify(lines.map(rowOf))],
  );
};

/** Moves lines to other invoices, or fixes their quantities: writes what can change. */
export const updateLines = async (transaction: Transaction, lines: readonly InvoiceLine[]): Promise<void> => {
  if (lines.length === 0) return;
  await transaction.query(
    `UPDATE invoice_line l SET invoice_id = n.invoice_id, quantity = n.quantity, pre_line_quantity = n.pre_line_quantity,
       priced = n.priced, updated_at = n.updated_at
     FROM jsonb_populate_recordset(NULL::invoice_line, $1::jsonb) n WHERE l.id = n.id`,
    [JSON.stringify(lines.map(rowOf))],
  );
};

/** The lines of invoices, in the order in which they are shown. */
export const linesOfInvoices = async (
  queryable: Queryable,
  invoiceIds: readonly string[],
): Promise<InvoiceLine[]> => {
  if (invoiceIds.length === 0) return [];
  const { rows } = await queryable.query<LineRow>(
    `SELECT * FROM invoice_line WHERE invoice_id = ANY ($1::text[]) ORDER BY invoice_id, period_from, id`,
    [queryable.arrays.text(invoiceIds)],
  );
  return rows.map(lineOf);
};

/** Takes back the lines of a subscription that are not invoiced yet. */
export const deletePendingLines = async (
  transaction: Transaction,
  subscriptionId: string,
  customerId: string,
): Promise<void> => {
  await transaction.query(
    `DELETE FROM invoice_line l USING invoice i WHERE i.id = l.invoice_id AND i.state = 'gathering'
       AND i.customer_id = $2 AND l.origin ->> 'subscriptionId' = $1`,
    [subscriptionId, customerId],
  );
};

/** A period that is billed: its first line, and what its lines have billed of it together. */
export interface BilledPeriod {
  line: InvoiceLine;
  /** Decimal text. */
  billed: string;
  customerId: string;
  currency: string;
}

/**
 * The metered periods of subscriptions that earlier invoices of the same customers and currencies billed, as far back as
 * `since`. Flat fees have nothing to correct; what is on a deleted or voided invoice is not billed again.
 */
export const billedPeriods = async (
  queryable: Queryable,
  invoices: readonly Pick<Invoice, 'customerId' | 'currency'>[],
  since: number,
): Promise<BilledPeriod[]> => {
  if (invoices.length === 0) return [];
  const { arrays } = queryable;
  const { rows } = await queryable.query<LineRow & { billed: string; customer_id: string; currency: string }>(
    `SELECT l.*, i.customer_id, i.currency, l.quantity + coalesce((SELECT sum(c.quantity) FROM invoice_line c
         WHERE c.item_id = l.item_id AND c.corrects_id = l.id), 0) AS billed
     FROM unnest($1::text[], $2::text[]) AS n (customer_id, currency)
     JOIN invoice i ON i.customer_id = n.customer_id AND i.currency = n.currency AND i.state <> 'voided'
       AND i.deleted_at IS NULL
     CROSS JOIN LATERAL (SELECT * FROM invoice_line WHERE invoice_id = i.id OFFSET 0) l
     WHERE l.item_id IS NOT NULL AND l.period_to >= $3 AND l.corrects_id IS NULL AND l.quantity IS NOT NULL
       AND l.price ->> 'type' <> 'flat' ORDER BY l.item_id, l.period_from`,
    [
      arrays.text(invoices.map(({ customerId }) => customerId)),
      arrays.text(invoices.map(({ currency }) => currency)),
      since,
    ],
  );
  return rows.map((row) => ({
    line: lineOf(row),
    billed: row.billed,
    customerId: row.customer_id,
    currency: row.currency,
  }));
};
