import { type Queryable, type RowSearch, type SearchSource, searchRows, type Transaction } from '../storage';
import type { BillingAddress, Customer, CustomerDetails } from './customer';

interface CustomerRow {
  id: string;
  key: string | null;
  name: string;
  description: string | null;
  primary_email: string | null;
  currency: string | null;
  billing_address: BillingAddress | null;
  metadata: Record<string, string>;
  annotations: Record<string, unknown>;
  subject_keys: string[] | null;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
}

const customerOf = (row: CustomerRow): Customer => ({
  id: row.id,
  key: row.key,
  name: row.name,
  description: row.description,
  primaryEmail: row.primary_email,
  currency: row.currency,
  billingAddress: row.billing_address,
  metadata: row.metadata,
  annotations: row.annotations,
  subjectKeys: row.subject_keys ?? [],
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  deletedAt: row.deleted_at,
});

const columns = `c.*, (SELECT array_agg(s.subject ORDER BY s.position, s.subject) FROM customer_subject s
  WHERE s.customer_id = c.id AND s.is_listed) AS subject_keys`;

/** The customer with this id or key; deleted ones are not found. */
export const findCustomer = async (queryable: Queryable, idOrKey: string): Promise<Customer | undefined> => {
  const { rows } = await queryable.query<CustomerRow>(
    `SELECT ${columns} FROM customer c WHERE c.id IN (
       SELECT id FROM customer WHERE id = $1 AND deleted_at IS NULL
       UNION ALL SELECT id FROM customer WHERE key = $1 AND deleted_at IS NULL)
     ORDER BY c.id = $1 DESC LIMIT 1`,
    [idOrKey],
  );
  return rows[0] && customerOf(rows[0]);
};

/** The customer that an event subject belongs to. */
export const findCustomerBySubject = async (
  queryable: Queryable,
  subject: string,
): Promise<Customer | undefined> => {
  const { rows } = await queryable.query<CustomerRow>(
    `SELECT ${columns} FROM customer_subject o JOIN customer c ON c.id = o.customer_id WHERE o.subject = $1`,
    [subject],
  );
  return rows[0] && customerOf(rows[0]);
};

/** Customers by their ids, deleted ones too. */
export const customersById = async (
  queryable: Queryable,
  ids: readonly string[],
): Promise<Map<string, Customer>> => {
  const { rows } = await queryable.query<CustomerRow>(
    `SELECT ${columns} FROM customer c WHERE c.id = ANY ($1::text[])`,
    [queryable.arrays.text(ids)],
  );
  return new Map(rows.map((row) => [row.id, customerOf(row)]));
};

/** Locks a customer so that changes of its subjects and entitlements follow one another; false when it is deleted. */
export const lockCustomer = async (transaction: Transaction, id: string): Promise<boolean> => {
  const { rows } = await transaction.query(
    'SELECT 1 FROM customer WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE',
    [id],
  );
  return rows.length > 0;
};

/** Which customers a list shows; texts other than `key` match parts, without regard to case. */
export interface CustomerFilter {
  key?: string | undefined;
  name?: string | undefined;
  primaryEmail?: string | undefined;
  subject?: string | undefined;
  /** A part of the key, the name, the e-mail address or a subject. */
  search?: string | undefined;
  includeDeleted: boolean;
  orderBy: 'id' | 'key' | 'name' | 'createdAt';
  isDescending: boolean;
}

const orderColumns = { id: 'c.id', key: 'c.key', name: 'c.name', createdAt: 'c.created_at' } as const;

const filterCondition = `($1::text IS NULL OR strpos(lower(c.key), lower($1)) > 0)
  AND ($2::text IS NULL OR strpos(lower(c.name), lower($2)) > 0)
  AND ($3::text IS NULL OR strpos(lower(c.primary_email), lower($3)) > 0)
  AND ($4::text IS NULL OR EXISTS (SELECT 1 FROM customer_subject s
    WHERE s.customer_id = c.id AND strpos(lower(s.subject), lower($4)) > 0))
  AND ($5::boolean OR c.deleted_at IS NULL)
  AND ($6::text IS NULL OR strpos(lower(concat_ws(' ', c.key, c.name, c.primary_email)), lower($6)) > 0
    OR EXISTS (SELECT 1 FROM customer_subject s
      WHERE s.customer_id = c.id AND strpos(lower(s.subject), lower($6)) > 0))`;

export const listCustomers = async (
  queryable: Queryable,
  filter: CustomerFilter,
  slice: { limit: number; offset: number },
): Promise<{ items: Customer[]; totalCount: number }> => {
  const values = [
    filter.key ?? null,
    filter.name ?? null,
    filter.primaryEmail ?? null,
    filter.subject ?? null,
    filter.includeDeleted,
    filter.search ?? null,
  ];
  const direction = filter.isDescending ? 'DESC' : 'ASC';
  const { rows } = await queryable.query<CustomerRow>(
    `SELECT ${columns} FROM customer c WHERE ${filterCondition}
     ORDER BY ${orderColumns[filter.orderBy]} ${direction}, c.id ${direction} LIMIT $7::bigint OFFSET $8::bigint`,
    [...values, slice.limit, slice.offset],
  );
  const count = await queryable.query<{ n: number }>(
    `SELECT count(*) AS n FROM customer c WHERE ${filterCondition}`,
    values,
  );
  return { items: rows.map(customerOf), totalCount: count.rows[0]!.n };
};

const searchSource = {
  select: columns,
  from: 'customer c',
  where: 'c.deleted_at IS NULL',
  columns: {
    key: 'c.key',
    name: 'c.name',
    primaryEmail: 'c.primary_email',
    subject: {
      column: 's.subject',
      within: (condition: string) =>
        `EXISTS (SELECT 1 FROM customer_subject s WHERE s.customer_id = c.id AND ${condition})`,
    },
  },
  orders: orderColumns,
  id: 'c.id',
} satisfies SearchSource<string, string>;

export type CustomerSearch = RowSearch<keyof typeof searchSource.columns, keyof typeof orderColumns>;

/** One page of the customers for which all conditions hold. */
export const searchCustomers = async (
  queryable: Queryable,
  search: CustomerSearch,
): Promise<{ items: Customer[]; totalCount: number }> => {
  const { rows, totalCount } = await searchRows<CustomerRow, string, keyof typeof orderColumns>(
    queryable,
    searchSource,
    search,
  );
  return { items: rows.map(customerOf), totalCount };
};

const detailsOf = (details: CustomerDetails): unknown[] => [
  details.key,
  details.name,
  details.description,
  details.primaryEmail,
  details.currency,
  details.billingAddress === null ? null : JSON.stringify(details.billingAddress),
  JSON.stringify(details.metadata),
];

/** Inserts a customer; false when another one has its key. */
export const insertCustomer = async (
  transaction: Transaction,
  id: string,
  details: CustomerDetails,
  now: number,
): Promise<boolean> => {
  const { rows } = await transaction.query(
    `INSERT INTO customer (id, key, name, description, primary_email, currency, billing_address, metadata, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8::jsonb, $9, $9)
     ON CONFLICT (key) WHERE deleted_at IS NULL DO NOTHING RETURNING id`,
    [id, ...detailsOf(details), now],
  );
  return rows.length > 0;
};

/** Replaces what the caller decides about a customer. */
export const updateCustomer = async (
  transaction: Transaction,
  id: string,
  details: CustomerDetails,
  now: number,
): Promise<void> => {
  await transaction.query(
    `UPDATE customer SET key = $2, name = $3, description = $4, primary_email = $5, currency = $6,
       billing_address = $7::jsonb, metadata = $8::jsonb, updated_at = $9 WHERE id = $1`,
    [id, ...detailsOf(details), now],
  );
};

/** Marks a customer as deleted and frees its key and its subjects. */
export const markCustomerDeleted = async (
  transaction: Transaction,
  id: string,
  now: number,
): Promise<void> => {
  await transaction.query('UPDATE customer SET deleted_at = $2, updated_at = $2 WHERE id = $1', [id, now]);
  await transaction.query('DELETE FROM customer_subject WHERE customer_id = $1', [id]);
};

/**
 * Makes the subjects of a customer those listed, and its key.
 * @returns whether the set has changed, or the subjects that belong to other customers
 */
export const writeSubjects = async (
  transaction: Transaction,
  customerId: string,
  key: string | null,
  subjectKeys: readonly string[],
): Promise<{ hasChanged: boolean; taken: string[] }> => {
  const { arrays } = transaction;
  const listed = [...new Set(subjectKeys)];
  const subjects = [...new Set([...listed, ...(key === null ? [] : [key])])];
  const removed = await transaction.query(
    'DELETE FROM customer_subject WHERE customer_id = $1 AND NOT subject = ANY ($2::text[]) RETURNING subject',
    [customerId, arrays.text(subjects)],
  );
  // Sorted, so that two customers which claim the same subjects wait for each other instead of deadlocking.
  const sorted = [...subjects].sort();
  const { rows } = await transaction.query<{ subject: string; is_new: boolean }>(
    `INSERT INTO customer_subject (subject, customer_id, is_listed, position)
     SELECT s.subject, $1, s.position >= 0, greatest(s.position, 0)
     FROM unnest($2::text[], $3::bigint[]) AS s (subject, position)
     ON CONFLICT (subject) DO UPDATE SET is_listed = excluded.is_listed, position = excluded.position
       WHERE customer_subject.customer_id = excluded.customer_id
     RETURNING subject, xmax = 0 AS is_new`,
    [customerId, arrays.text(sorted), arrays.bigint(sorted.map((subject) => listed.indexOf(subject)))],
  );
  const own = new Set(rows.map((row) => row.subject));
  return {
    hasChanged: removed.rows.length > 0 || rows.some((row) => row.is_new),
    taken: sorted.filter((subject) => !own.has(subject)),
  };
};

/** The key of a subject by its id; subjects have rows of their own only where somebody described them. */
export const findSubjectKey = async (queryable: Queryable, id: string): Promise<string | undefined> => {
  const { rows } = await queryable.query<{ key: string }>('SELECT key FROM subject WHERE id = $1', [id]);
  return rows[0]?.key;
};
