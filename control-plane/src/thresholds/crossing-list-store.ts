import { toQuantity } from '../primitives/decimal';
import type { Queryable } from '../storage';

/** A line that was crossed, with whose it was. Quantities are decimal text, times epoch milliseconds. */
export interface Crossing {
  id: string;
  crossedAt: number;
  entitlementId: string;
  customerId: string;
  customerKey: string | null;
  customerName: string;
  featureKey: string;
  type: 'usage_percentage' | 'usage_value' | 'balance_value';
  value: string;
  usage: string;
  /** The usage at which the balance was zero. */
  allowance: string;
  /** Whether the line lies where access ends. */
  isLimit: boolean;
}

interface CrossingRow extends Omit<Crossing, 'type' | 'value' | 'isLimit'> {
  line: string;
}

const columns = `t.id, t.crossed_at AS "crossedAt", t.entitlement_id AS "entitlementId", e.customer_id AS "customerId",
  c.key AS "customerKey", c.name AS "customerName", e.feature_key AS "featureKey", t.line, t.usage,
  t.exhausts_at AS allowance`;
const tables = `threshold_crossing t JOIN entitlement e ON e.id = t.entitlement_id
  JOIN customer c ON c.id = e.customer_id`;

const crossingOf = ({ line, ...row }: CrossingRow): Crossing => {
  const [type, value] = line.split(':') as [Crossing['type'], string];
  return { ...row, type, value, isLimit: isLimit(type, value, row.allowance) };
};

const isLimit = (type: Crossing['type'], value: string, allowance: string): boolean => {
  const quantity = toQuantity(value);
  if (type === 'usage_percentage') return quantity.greaterThanOrEqualTo(100);
  if (type === 'balance_value') return quantity.isZero();
  return quantity.greaterThanOrEqualTo(toQuantity(allowance));
};

export interface CrossingFilter {
  customerId?: string | undefined;
  featureKey?: string | undefined;
  /** Only those with a smaller id, and with a greater one. */
  before?: string | undefined;
  after?: string | undefined;
}

/** Crossings from the newest back. Several rules that drew the same line crossed it together: it is told once. */
export const listCrossings = async (
  queryable: Queryable,
  filter: CrossingFilter,
  limit: number,
): Promise<Crossing[]> => {
  const { rows } = await queryable.query<CrossingRow>(
    `SELECT ${columns} FROM ${tables}
     WHERE ($1::text IS NULL OR t.id < $1) AND ($2::text IS NULL OR t.id > $2)
       AND ($3::text IS NULL OR e.customer_id = $3) AND ($4::text IS NULL OR e.feature_key = $4)
       AND NOT EXISTS (SELECT 1 FROM threshold_crossing o WHERE o.crossed_at = t.crossed_at
         AND o.entitlement_id = t.entitlement_id AND o.line = t.line AND o.id < t.id)
     ORDER BY t.id DESC LIMIT $5::bigint`,
    [
      filter.before ?? null,
      filter.after ?? null,
      filter.customerId ?? null,
      filter.featureKey ?? null,
      limit,
    ],
  );
  return rows.map(crossingOf);
};

/** Crossings at these instants, oldest first. */
export const crossingsAt = async (queryable: Queryable, instants: readonly number[]): Promise<Crossing[]> => {
  if (instants.length === 0) return [];
  const { rows } = await queryable.query<CrossingRow>(
    `SELECT ${columns} FROM ${tables} WHERE t.crossed_at = ANY ($1::bigint[]) ORDER BY t.id`,
    [queryable.arrays.bigint([...new Set(instants)])],
  );
  return rows.map(crossingOf);
};

/** Beyond this the count is no longer exact, and nobody reads it as if it were. */
const countedAtMost = 100_000;

/** How many lines were crossed since an instant, those that several rules drew counted once; 100,000 at most. */
export const countCrossings = async (queryable: Queryable, since: number): Promise<number> => {
  const { rows } = await queryable.query<{ n: number }>(
    `SELECT count(*) AS n FROM (SELECT DISTINCT entitlement_id, line, crossed_at FROM (
       SELECT entitlement_id, line, crossed_at FROM threshold_crossing WHERE crossed_at >= $1::bigint
       LIMIT ${countedAtMost}) AS recent) AS crossings`,
    [since],
  );
  return rows[0]!.n;
};
