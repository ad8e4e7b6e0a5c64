import type { Queryable, Transaction } from '../../storage';
import type { Invoice, InvoiceCustomer, InvoiceState, InvoiceStatus } from './invoice';

interface InvoiceRow {
  id: string;
  customer_id: string;
  currency: string;
  state: InvoiceState;
  number: string | null;
  description: string | null;
  metadata: Record<string, string>;
  customer: InvoiceCustomer | null;
  collection_at: number | null;
  quantity_snapshotted_at: number | null;
  draft_until: number | null;
  issued_at: number | null;
  due_at: number | null;
  paid_at: number | null;
  voided_at: number | null;
  void_reason: string | null;
  next_step_at: number | null;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
}

const invoiceOf = (row: InvoiceRow): Invoice => ({
  id: row.id,
  customerId: row.customer_id,
  currency: row.currency,
  state: row.state,
  number: row.number,
  description: row.description,
  metadata: row.metadata,
  customer: row.customer,
  collectionAt: row.collection_at,
  quantitySnapshottedAt: row.quantity_snapshotted_at,
  draftUntil: row.draft_until,
  issuedAt: row.issued_at,
  dueAt: row.due_at,
  paidAt: row.paid_at,
  voidedAt: row.voided_at,
  voidReason: row.void_reason,
  nextStepAt: row.next_step_at,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  deletedAt: row.deleted_at,
});

const rowOf = (invoice: Invoice): InvoiceRow => ({
  id: invoice.id,
  customer_id: invoice.customerId,
  currency: invoice.currency,
  state: invoice.state,
  number: invoice.number,
  description: invoice.description,
  metadata: invoice.metadata,
  customer: invoice.customer,
  collection_at: invoice.collectionAt,
  quantity_snapshotted_at: invoice.quantitySnapshottedAt,
  draft_until: invoice.draftUntil,
  issued_at: invoice.issuedAt,
  due_at: invoice.dueAt,
  paid_at: invoice.paidAt,
  voided_at: invoice.voidedAt,
  void_reason: invoice.voidReason,
  next_step_at: invoice.nextStepAt,
  created_at: invoice.createdAt,
  updated_at: invoice.updatedAt,
  deleted_at: invoice.deletedAt,
});

const columns = `id, customer_id, currency, state, number, description, metadata, customer, collection_at,
  quantity_snapshotted_at, draft_until, issued_at, due_at, paid_at, voided_at, void_reason, next_step_at, created_at,
  updated_at, deleted_at`;

export const findInvoice = async (queryable: Queryable, id: string): Promise<Invoice | undefined> => {
  const { rows } = await queryable.query<InvoiceRow>('SELECT * FROM invoice WHERE id = $1', [id]);
  return rows[0] && invoiceOf(rows[0]);
};

/** Locks an invoice; undefined when there is none or it is deleted. */
export const lockInvoice = async (transaction: Transaction, id: string): Promise<Invoice | undefined> => {
  const { rows } = await transaction.query<InvoiceRow>(
    'SELECT * FROM invoice WHERE id = $1 AND deleted_at IS NULL FOR UPDATE',
    [id],
  );
  return rows[0] && invoiceOf(rows[0]);
};

/** Locks the gathering invoices of a customer. */
export const lockGathering = async (transaction: Transaction, customerId: string): Promise<Invoice[]> => {
  const { rows } = await transaction.query<InvoiceRow>(
    `SELECT * FROM invoice WHERE customer_id = $1 AND state = 'gathering' ORDER BY id FOR UPDATE`,
    [customerId],
  );
  return rows.map(invoiceOf);
};

/** Takes drafts and issued invoices that are due for a step; other replicas skip them until the transaction ends. */
export const takeDueInvoices = async (
  transaction: Transaction,
  now: number,
  limit: number,
): Promise<Invoice[]> => {
  const { rows } = await transaction.query<InvoiceRow>(
    `SELECT * FROM invoice WHERE next_step_at <= $1 AND state <> 'gathering' AND deleted_at IS NULL
     ORDER BY next_step_at, id LIMIT $2::bigint FOR UPDATE SKIP LOCKED`,
    [now, limit],
  );
  return rows.map(invoiceOf);
};

/**
 * Takes gathering invoices of which lines are due, as takeDueInvoices does. A customer of whom lines are still to be laid out
 * waits, also while another replica is at it: what is due at one instant belongs on one invoice.
 */
export const takeDueGathering = async (
  transaction: Transaction,
  now: number,
  limit: number,
): Promise<Invoice[]> => {
  const { rows } = await transaction.query<InvoiceRow>(
    `SELECT * FROM invoice i WHERE i.next_step_at <= $1 AND i.state = 'gathering' AND i.deleted_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM subscription s WHERE s.customer_id = i.customer_id AND s.next_lines_at <= $1
         AND s.deleted_at IS NULL)
     ORDER BY i.next_step_at, i.id LIMIT $2::bigint FOR UPDATE OF i SKIP LOCKED`,
    [now, limit],
  );
  return rows.map(invoiceOf);
};

/** Inserts what is missing and gives the gathering invoice of each (customer, currency). */
export const ensureGathering = async (
  transaction: Transaction,
  invoices: readonly Invoice[],
): Promise<Map<string, Invoice>> => {
  const sorted = [...invoices].sort((a, b) => (gatheringKey(a) < gatheringKey(b) ? -1 : 1));
  const parameter = JSON.stringify(sorted.map(rowOf));
  await transaction.query(
    `INSERT INTO invoice (${columns}) SELECT ${columns} FROM jsonb_populate_recordset(NULL::invoice, $1::jsonb)
     ON CONFLICT (customer_id, currency) WHERE state = 'gathering' DO NOTHING`,
    [parameter],
  );
  const { rows } = await transaction.query<InvoiceRow>(
    `SELECT i.* FROM invoice i JOIN jsonb_populate_recordset(NULL::invoice, $1::jsonb) w
       ON w.customer_id = i.customer_id AND w.currency = i.currency
     WHERE i.state = 'gathering' ORDER BY i.id FOR UPDATE OF i`,
    [parameter],
  );
  return new Map(rows.map(invoiceOf).map((invoice) => [gatheringKey(invoice), invoice]));
};

export const gatheringKey = ({ customerId, currency }: Pick<Invoice, 'customerId' | 'currency'>): string =>
  `${customerId} ${currency}`;

export const insertInvoices = async (
  transaction: Transaction,
  invoices: readonly Invoice[],
): Promise<void> => {
  await transaction.query(
    `INSERT INTO invoice (${columns}) SELECT ${columns} FROM jsonb_populate_recordset(NULL::invoice, $1::jsonb)`,
    [JSON.stringify(invoices.map(rowOf))],
  );
};

/** Writes everything of invoices that can change. */
export const updateInvoices = async (
  transaction: Transaction,
  invoices: readonly Invoice[],
): Promise<void> => {
  await transaction.query(
    `UPDATE invoice i SET state = n.state, number = n.number, description = n.description, metadata = n.metadata,
       customer = n.customer, collection_at = n.collection_at, quantity_snapshotted_at = n.quantity_snapshotted_at,
       draft_until = n.draft_until, issued_at = n.issued_at, due_at = n.due_at, paid_at = n.paid_at,
       voided_at = n.voided_at, void_reason = n.void_reason, next_step_at = n.next_step_at,
       updated_at = n.updated_at, deleted_at = n.deleted_at
     FROM jsonb_populate_recordset(NULL::invoice, $1::jsonb) n WHERE i.id = n.id`,
    [JSON.stringify(invoices.map(rowOf))],
  );
};

/** Lets gathering invoices wake when the first of their lines is due. */
export const wakeWithLines = async (transaction: Transaction, ids: readonly string[]): Promise<void> => {
  await transaction.query(
    `UPDATE invoice SET next_step_at = (SELECT min(invoice_at) FROM invoice_line WHERE invoice_id = invoice.id)
     WHERE id = ANY ($1::text[])`,
    [transaction.arrays.text(ids)],
  );
};

/** The next numbers of invoices, ascending. */
export const takeInvoiceNumbers = async (transaction: Transaction, count: number): Promise<number[]> => {
  const { rows } = await transaction.query<{ number: number }>(
    `SELECT nextval('invoice_number') AS number FROM generate_series(1, $1::bigint)`,
    [count],
  );
  return rows.map(({ number }) => number).sort((a, b) => a - b);
};

/** Makes the fixing of quantities of one customer's invoices follow one another, so that nothing is corrected twice. */
export const lockCustomersOf = async (
  transaction: Transaction,
  invoices: readonly Invoice[],
): Promise<void> => {
  await transaction.query(
    'SELECT 1 FROM customer WHERE id = ANY ($1::text[]) ORDER BY id FOR NO KEY UPDATE',
    [transaction.arrays.text([...new Set(invoices.map(({ customerId }) => customerId))])],
  );
};

/** Which invoices a list shows; undefined for no condition. Times are epoch milliseconds. */
export interface InvoiceFilter {
  customerIds?: readonly string[] | undefined;
  statuses?: readonly InvoiceStatus[] | undefined;
  states?: readonly string[] | undefined;
  issuedAfter?: number | undefined;
  issuedBefore?: number | undefined;
  createdAfter?: number | undefined;
  createdBefore?: number | undefined;
  periodStartAfter?: number | undefined;
  periodStartBefore?: number | undefined;
  includeDeleted: boolean;
  orderBy: 'customer.name' | 'issuedAt' | 'status' | 'createdAt' | 'updatedAt' | 'periodStart';
  isDescending: boolean;
}

const periodStart = '(SELECT min(l.period_from) FROM invoice_line l WHERE l.invoice_id = i.id)';

const orderColumns = {
  'customer.name': 'c.name',
  issuedAt: 'i.issued_at',
  status: 'i.state',
  createdAt: 'i.created_at',
  updatedAt: 'i.updated_at',
  periodStart,
} as const;

/** A gathering invoice without lines is no invoice to anybody. */
const listCondition = `($1::text[] IS NULL OR i.customer_id = ANY ($1::text[]))
  AND ($2::text[] IS NULL OR split_part(i.state, '.', 1) = ANY ($2::text[]))
  AND ($3::text[] IS NULL OR i.state = ANY ($3::text[]))
  AND ($4::bigint IS NULL OR i.issued_at >= $4::bigint) AND ($5::bigint IS NULL OR i.issued_at <= $5::bigint)
  AND ($6::bigint IS NULL OR i.created_at >= $6::bigint) AND ($7::bigint IS NULL OR i.created_at <= $7::bigint)
  AND ($8::bigint IS NULL OR ${periodStart} >= $8::bigint) AND ($9::bigint IS NULL OR ${periodStart} <= $9::bigint)
  AND ($10::boolean OR i.deleted_at IS NULL)
  AND (i.state <> 'gathering' OR EXISTS (SELECT 1 FROM invoice_line l WHERE l.invoice_id = i.id))`;

export const listInvoices = async (
  queryable: Queryable,
  filter: InvoiceFilter,
  slice: { limit: number; offset: number },
): Promise<{ items: Invoice[]; totalCount: number }> => {
  const texts = (list: readonly string[] | undefined) => (list ? queryable.arrays.text(list) : null);
  const values = [
    texts(filter.customerIds),
    texts(filter.statuses),
    texts(filter.states),
    filter.issuedAfter ?? null,
    filter.issuedBefore ?? null,
    filter.createdAfter ?? null,
    filter.createdBefore ?? null,
    filter.periodStartAfter ?? null,
    filter.periodStartBefore ?? null,
    filter.includeDeleted,
  ];
  const direction = filter.isDescending ? 'DESC' : 'ASC';
  const { rows } = await queryable.query<InvoiceRow>(
    `SELECT i.* FROM invoice i JOIN customer c ON c.id = i.customer_id WHERE ${listCondition}
     ORDER BY ${orderColumns[filter.orderBy]} ${direction}, i.id ${direction} LIMIT $11::bigint OFFSET $12::bigint`,
    [...values, slice.limit, slice.offset],
  );
  const count = await queryable.query<{ n: number }>(
    `SELECT count(*) AS n FROM invoice i WHERE ${listCondition}`,
    values,
  );
  return { items: rows.map(invoiceOf), totalCount: count.rows[0]!.n };
};
