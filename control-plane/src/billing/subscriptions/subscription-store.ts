import {
  type Queryable,
  type RowSearch,
  type SearchSource,
  searchRows,
  type Transaction,
} from '../../storage';
import type { Subscription, SubscriptionPhase, SubscriptionStatus } from './subscription';

interface SubscriptionRow {
  id: string;
  customer_id: string;
  plan_id: string;
  plan_key: string;
  plan_version: number;
  name: string;
  description: string | null;
  metadata: Record<string, string>;
  currency: string;
  billing_cadence: string;
  billing_anchor: number;
  is_prorated: boolean;
  phases: SubscriptionPhase[];
  active_from: number;
  active_to: number | null;
  next_lines_at: number | null;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
}

const subscriptionOf = (row: SubscriptionRow): Subscription => ({
  id: row.id,
  customerId: row.customer_id,
  plan: { id: row.plan_id, key: row.plan_key, version: row.plan_version },
  name: row.name,
  description: row.description,
  metadata: row.metadata,
  currency: row.currency,
  billingCadence: row.billing_cadence,
  billingAnchor: row.billing_anchor,
  isProrated: row.is_prorated,
  phases: row.phases,
  activeFrom: row.active_from,
  activeTo: row.active_to,
  nextLinesAt: row.next_lines_at,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  deletedAt: row.deleted_at,
});

export const findSubscription = async (
  queryable: Queryable,
  id: string,
): Promise<Subscription | undefined> => {
  const { rows } = await queryable.query<SubscriptionRow>(
    'SELECT * FROM subscription WHERE id = $1 AND deleted_at IS NULL',
    [id],
  );
  return rows[0] && subscriptionOf(rows[0]);
};

/** Locks a subscription against other changes and the making of its lines; undefined when it is deleted. */
export const lockSubscription = async (
  transaction: Transaction,
  id: string,
): Promise<Subscription | undefined> => {
  const { rows } = await transaction.query<SubscriptionRow>(
    'SELECT * FROM subscription WHERE id = $1 AND deleted_at IS NULL FOR UPDATE',
    [id],
  );
  return rows[0] && subscriptionOf(rows[0]);
};

/** Subscriptions of a customer other than `exceptId` that are in force at some time from `from` on, by their start. */
export const overlappingSubscriptions = async (
  queryable: Queryable,
  customerId: string,
  from: number,
  exceptId = '',
): Promise<Subscription[]> => {
  const { rows } = await queryable.query<SubscriptionRow>(
    `SELECT * FROM subscription WHERE customer_id = $1 AND id <> $3 AND deleted_at IS NULL
       AND (active_to IS NULL OR active_to > greatest($2::bigint, active_from)) ORDER BY active_from, id`,
    [customerId, from, exceptId],
  );
  return rows.map(subscriptionOf);
};

export const insertSubscription = async (
  transaction: Transaction,
  subscription: Subscription,
): Promise<void> => {
  const { plan } = subscription;
  await transaction.query(
    `INSERT INTO subscription (id, customer_id, plan_id, plan_key, plan_version, name, description, metadata, currency,
       billing_cadence, billing_anchor, is_prorated, phases, active_from, active_to, next_lines_at, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10, $11, $12, $13::jsonb, $14, $15, $16, $17, $17)`,
    [
      subscription.id,
      subscription.customerId,
      plan.id,
      plan.key,
      plan.version,
      subscription.name,
      subscription.description,
      JSON.stringify(subscription.metadata),
      subscription.currency,
      subscription.billingCadence,
      subscription.billingAnchor,
      subscription.isProrated,
      JSON.stringify(subscription.phases),
      subscription.activeFrom,
      subscription.activeTo,
      subscription.nextLinesAt,
      subscription.createdAt,
    ],
  );
};

/** Writes the parts of a subscription that change: its phases, its end, its deletion. */
export const updateSubscription = async (
  transaction: Transaction,
  { id, phases, activeTo, nextLinesAt, updatedAt, deletedAt }: Subscription,
): Promise<void> => {
  await transaction.query(
    `UPDATE subscription SET phases = $2::jsonb, active_to = $3::bigint, next_lines_at = $4::bigint,
       updated_at = $5::bigint, deleted_at = $6::bigint WHERE id = $1`,
    [id, JSON.stringify(phases), activeTo, nextLinesAt, updatedAt, deletedAt],
  );
};

export interface SubscriptionFilter {
  statuses?: readonly SubscriptionStatus[] | undefined;
  orderBy: 'activeFrom' | 'activeTo';
  isDescending: boolean;
}

const listCondition = `customer_id = $1 AND deleted_at IS NULL AND ($2::text[] IS NULL OR (CASE
    WHEN active_to <= $3::bigint THEN 'inactive'
    WHEN active_from > $3::bigint THEN 'scheduled'
    WHEN active_to IS NULL THEN 'active'
    ELSE 'canceled' END) = ANY ($2::text[]))`;

export const listSubscriptions = async (
  queryable: Queryable,
  customerId: string,
  filter: SubscriptionFilter,
  slice: { limit: number; offset: number },
  now: number,
): Promise<{ items: Subscription[]; totalCount: number }> => {
  const values = [customerId, filter.statuses ? queryable.arrays.text(filter.statuses) : null, now];
  const column = filter.orderBy === 'activeTo' ? 'active_to' : 'active_from';
  const direction = filter.isDescending ? 'DESC' : 'ASC';
  const { rows } = await queryable.query<SubscriptionRow>(
    `SELECT * FROM subscription WHERE ${listCondition}
     ORDER BY ${column} ${direction}, id ${direction} LIMIT $4::bigint OFFSET $5::bigint`,
    [...values, slice.limit, slice.offset],
  );
  const count = await queryable.query<{ n: number }>(
    `SELECT count(*) AS n FROM subscription WHERE ${listCondition}`,
    values,
  );
  return { items: rows.map(subscriptionOf), totalCount: count.rows[0]!.n };
};

/** Takes subscriptions of which a billing period begins; other replicas skip them until the transaction ends. */
export const takeDueSubscriptions = async (
  transaction: Transaction,
  now: number,
  limit: number,
): Promise<Subscription[]> => {
  const { rows } = await transaction.query<SubscriptionRow>(
    `SELECT * FROM subscription WHERE next_lines_at <= $1 AND deleted_at IS NULL
     ORDER BY next_lines_at, id LIMIT $2::bigint FOR UPDATE SKIP LOCKED`,
    [now, limit],
  );
  return rows.map(subscriptionOf);
};

/** Sets when the next billing period of subscriptions begins; null for never. */
export const setNextLinesAt = async (
  transaction: Transaction,
  nextLinesAt: ReadonlyMap<string, number | null>,
): Promise<void> => {
  await transaction.query(
    `UPDATE subscription s SET next_lines_at = n.at FROM unnest($1::text[], $2::bigint[]) AS n (id, at) WHERE s.id = n.id`,
    [transaction.arrays.text([...nextLinesAt.keys()]), transaction.arrays.bigint([...nextLinesAt.values()])],
  );
};

const orders = { id: 's.id', activeFrom: 's.active_from', activeTo: 's.active_to' } as const;
type SearchName = 'id' | 'customerId' | 'planId' | 'planKey' | 'status';

const searchSourceAt = (now: number) =>
  ({
    select: 's.*',
    from: 'subscription s',
    where: 's.deleted_at IS NULL',
    columns: {
      id: 's.id',
      customerId: 's.customer_id',
      planId: 's.plan_id',
      planKey: 's.plan_key',
      status: (bind) => {
        const at = `${bind(now)}::bigint`;
        return `(CASE WHEN s.active_to <= ${at} THEN 'inactive' WHEN s.active_from > ${at} THEN 'scheduled'
          WHEN s.active_to IS NULL THEN 'active' ELSE 'canceled' END)`;
      },
    },
    orders,
    id: 's.id',
  }) satisfies SearchSource<SearchName, keyof typeof orders>;

export type SubscriptionSearch = RowSearch<SearchName, keyof typeof orders>;

/** One page of the subscriptions of all customers for which all conditions hold. */
export const searchSubscriptions = async (
  queryable: Queryable,
  search: SubscriptionSearch,
  now: number,
): Promise<{ items: Subscription[]; totalCount: number }> => {
  const { rows, totalCount } = await searchRows<SubscriptionRow, string, keyof typeof orders>(
    queryable,
    searchSourceAt(now),
    search,
  );
  return { items: rows.map(subscriptionOf), totalCount };
};
