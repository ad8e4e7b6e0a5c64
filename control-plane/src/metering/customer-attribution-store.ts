import type { Queryable } from '../storage';

/** Which customer an event subject belongs to: a customer's usageAttribution and its own key. */
export type Attribution = ReadonlyMap<string, string>;

interface AttributionRow {
  subject: string;
  customer_id: string;
}

const toAttribution = (rows: readonly AttributionRow[]): Attribution =>
  new Map(rows.map((row) => [row.subject, row.customer_id]));

/** The subjects of some customers, or of all. */
export const subjectsOfCustomers = async (
  queryable: Queryable,
  customerIds: readonly string[] | undefined,
): Promise<Attribution> => {
  const { rows } = await queryable.query<AttributionRow>(
    `SELECT subject, customer_id FROM customer_subject ${customerIds ? 'WHERE customer_id = ANY ($1::text[])' : ''}`,
    customerIds ? [queryable.arrays.text(customerIds)] : [],
  );
  return toAttribution(rows);
};

/** Those of the ids that are no living customer's. */
export const unknownCustomers = async (
  queryable: Queryable,
  customerIds: readonly string[],
): Promise<string[]> => {
  const { rows } = await queryable.query<{ id: string }>(
    'SELECT id FROM customer WHERE id = ANY ($1::text[]) AND deleted_at IS NULL',
    [queryable.arrays.text(customerIds)],
  );
  const known = new Set(rows.map((row) => row.id));
  return customerIds.filter((id) => !known.has(id));
};

/** The customers of some subjects. */
export const customersOfSubjects = async (
  queryable: Queryable,
  subjects: readonly string[],
): Promise<Attribution> => {
  if (subjects.length === 0) return new Map();
  const { rows } = await queryable.query<AttributionRow>(
    'SELECT subject, customer_id FROM customer_subject WHERE subject = ANY ($1::text[])',
    [queryable.arrays.text(subjects)],
  );
  return toAttribution(rows);
};
