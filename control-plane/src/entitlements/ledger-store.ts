import type { CompiledMeter } from '../metering';
import { compileMeter, type GroupFilter, type MeterRow, meterOf } from '../metering';
import { formatQuantity, toQuantity, ZERO } from '../primitives/decimal';
import type { Queryable, Transaction } from '../storage';
import type { BurnDownState } from './burn-down/burn-down';
import type { Grant } from './burn-down/grant';
import type { Entitlement, ManualReset } from './entitlement';
import {
  type EntitlementRow,
  entitlementOf,
  type GrantRow,
  grantOf,
  manualResetOf,
  type ResetRow,
} from './entitlement-rows';

/** The feature of an entitlement and the meter that it counts, if any. */
export interface EntitledFeature {
  id: string;
  key: string;
  name: string;
  filters: GroupFilter;
  meter: CompiledMeter | undefined;
}

/** All that evaluating an entitlement needs, but for its usage. */
export interface LoadedEntitlement {
  entitlement: Entitlement;
  feature: EntitledFeature;
  /** The event subjects of the customer: its listed keys and its own. */
  subjects: string[];
  grants: Grant[];
  manualResets: ManualReset[];
  snapshot: BurnDownState | undefined;
}

interface SnapshotRow {
  entitlement_id: string;
  at: number;
  grant_balances: Record<string, string>;
  overage: string;
  grant_usage: string;
}

type FeatureRow = {
  id: string;
  key: string;
  name: string;
  filters: GroupFilter;
  meter: MeterRow | null;
};

/** An entitlement to load, and the instant that its evaluation is for. */
export interface ToLoad {
  id: string;
  /** Epoch milliseconds; the newest snapshot at or before it is taken. */
  at: number;
}

/**
 * Loads entitlements with everything but their usage, a statement a table however many they are, sent in two round trips.
 * Of the past only what is after the snapshot comes along, so that the cost does not grow with the history.
 */
export const loadEntitlements = async (
  queryable: Queryable,
  wanted: readonly ToLoad[],
): Promise<LoadedEntitlement[]> => {
  if (wanted.length === 0) return [];
  const [entitlements, snapshots] = await Promise.all([
    loadRows(queryable, wanted),
    loadSnapshots(queryable, wanted),
  ]);
  const since = wanted.map(({ id }) => ({ id, at: snapshots.get(id)?.at ?? beginningOfTime }));
  const [grants, resets, features, subjects] = await Promise.all([
    loadGrants(queryable, since),
    loadManualResets(queryable, since),
    loadFeatures(queryable, [...new Set(entitlements.map(({ featureId }) => featureId))]),
    loadSubjects(queryable, [...new Set(entitlements.map(({ customerId }) => customerId))]),
  ]);
  return entitlements.map((entitlement) => ({
    entitlement,
    feature: features.get(entitlement.featureId)!,
    subjects: subjects.get(entitlement.customerId) ?? [],
    grants: grants.get(entitlement.id) ?? [],
    manualResets: resets.get(entitlement.id) ?? [],
    snapshot: snapshots.get(entitlement.id),
  }));
};

/** The earliest instant that a date can be, for entitlements without a snapshot. */
const beginningOfTime = -8_640_000_000_000_000;

const loadRows = async (queryable: Queryable, wanted: readonly ToLoad[]): Promise<Entitlement[]> => {
  const { rows } = await queryable.query<EntitlementRow>(
    'SELECT * FROM entitlement WHERE id = ANY ($1::text[]) ORDER BY id',
    [queryable.arrays.text(wanted.map(({ id }) => id))],
  );
  return rows.map(entitlementOf);
};

const idsAndTimes = ({ arrays }: Queryable, wanted: readonly ToLoad[]): unknown[] => [
  arrays.text(wanted.map(({ id }) => id)),
  arrays.bigint(wanted.map(({ at }) => at)),
];

const loadSnapshots = async (
  queryable: Queryable,
  wanted: readonly ToLoad[],
): Promise<Map<string, BurnDownState>> => {
  const { rows } = await queryable.query<SnapshotRow>(
    `SELECT s.* FROM unnest($1::text[], $2::bigint[]) AS w (id, at)
     CROSS JOIN LATERAL (SELECT * FROM balance_snapshot b WHERE b.entitlement_id = w.id AND b.at <= w.at
       ORDER BY b.at DESC LIMIT 1) s`,
    idsAndTimes(queryable, wanted),
  );
  return new Map(rows.map((row) => [row.entitlement_id, stateOf(row)]));
};

/** Grants that can still be active after the instants; the others have nothing left to burn or to roll over. */
const loadGrants = async (queryable: Queryable, since: readonly ToLoad[]): Promise<Map<string, Grant[]>> => {
  const { rows } = await queryable.query<GrantRow>(
    `SELECT g.* FROM unnest($1::text[], $2::bigint[]) AS w (id, at)
     JOIN entitlement_grant g ON g.entitlement_id = w.id
     WHERE coalesce(least(g.expires_at, g.voided_at, g.deleted_at) > w.at, true)`,
    idsAndTimes(queryable, since),
  );
  const byId = groupBy(rows, (row) => row.entitlement_id);
  return new Map([...byId].map(([id, list]) => [id, list.map(grantOf)]));
};

/** Resets by hand after the instants, and of the earlier ones the last, whose anchor still holds; oldest first. */
export const loadManualResets = async (
  queryable: Queryable,
  since: readonly ToLoad[],
): Promise<Map<string, ManualReset[]>> => {
  const { rows } = await queryable.query<ResetRow>(
    `SELECT r.* FROM unnest($1::text[], $2::bigint[]) AS w (id, at)
     JOIN entitlement_reset r ON r.entitlement_id = w.id AND (r.at > w.at OR r.at =
       (SELECT max(x.at) FROM entitlement_reset x WHERE x.entitlement_id = w.id AND x.at <= w.at))
     ORDER BY r.at`,
    idsAndTimes(queryable, since),
  );
  const byId = groupBy(rows, (row) => row.entitlement_id);
  return new Map([...byId].map(([id, list]) => [id, list.map(manualResetOf)]));
};

const loadFeatures = async (
  queryable: Queryable,
  ids: readonly string[],
): Promise<Map<string, EntitledFeature>> => {
  const { rows } = await queryable.query<FeatureRow>(
    `SELECT f.id, f.key, f.name, f.filters, to_jsonb(m) AS meter
     FROM feature f LEFT JOIN meter m ON m.id = f.meter_id WHERE f.id = ANY ($1::text[])`,
    [queryable.arrays.text(ids)],
  );
  return new Map(
    rows.map(({ meter, ...feature }) => [
      feature.id,
      { ...feature, meter: meter ? compileMeter(meterOf(meter), meter.counts_from_seq) : undefined },
    ]),
  );
};

const loadSubjects = async (
  queryable: Queryable,
  customerIds: readonly string[],
): Promise<Map<string, string[]>> => {
  const { rows } = await queryable.query<{ customer_id: string; subject: string }>(
    'SELECT customer_id, subject FROM customer_subject WHERE customer_id = ANY ($1::text[]) ORDER BY position, subject',
    [queryable.arrays.text(customerIds)],
  );
  return new Map(
    [...groupBy(rows, (row) => row.customer_id)].map(([id, list]) => [id, list.map((row) => row.subject)]),
  );
};

const groupBy = <T>(rows: readonly T[], keyOf: (row: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return groups;
};

const stateOf = (row: SnapshotRow): BurnDownState => ({
  at: row.at,
  periodFrom: row.at,
  balances: new Map(Object.entries(row.grant_balances).map(([id, balance]) => [id, toQuantity(balance)])),
  overage: toQuantity(row.overage),
  credit: ZERO,
  usageInPeriod: ZERO,
  grantUsageInPeriod: toQuantity(row.grant_usage),
});

/** Forgets snapshots that a change of the past made wrong: those at or after `changedFrom`. */
export const forgetSnapshots = async (
  transaction: Transaction,
  changes: readonly { entitlementId: string; changedFrom: number }[],
): Promise<void> => {
  await transaction.query(
    `DELETE FROM balance_snapshot s USING unnest($1::text[], $2::bigint[]) AS c (entitlement_id, changed_from)
     WHERE s.entitlement_id = c.entitlement_id AND s.at >= c.changed_from`,
    [
      transaction.arrays.text(changes.map((change) => change.entitlementId)),
      transaction.arrays.bigint(changes.map((change) => change.changedFrom)),
    ],
  );
};

/** Keeps the states at period starts. */
export const saveSnapshots = async (
  transaction: Transaction,
  snapshots: readonly { entitlementId: string; state: BurnDownState }[],
): Promise<void> => {
  if (snapshots.length === 0) return;
  const { arrays } = transaction;
  await transaction.query(
    `INSERT INTO balance_snapshot (entitlement_id, at, grant_balances, overage, grant_usage)
     SELECT s.entitlement_id, s.at, s.grant_balances::jsonb, s.overage, s.grant_usage
     FROM unnest($1::text[], $2::bigint[], $3::text[], $4::numeric[], $5::numeric[])
       AS s (entitlement_id, at, grant_balances, overage, grant_usage)
     ON CONFLICT (entitlement_id, at) DO UPDATE SET grant_balances = excluded.grant_balances,
       overage = excluded.overage, grant_usage = excluded.grant_usage`,
    [
      arrays.text(snapshots.map(({ entitlementId }) => entitlementId)),
      arrays.bigint(snapshots.map(({ state }) => state.at)),
      arrays.text(
        snapshots.map(({ state }) =>
          JSON.stringify(
            Object.fromEntries([...state.balances].map(([id, balance]) => [id, formatQuantity(balance)])),
          ),
        ),
      ),
      arrays.numeric(snapshots.map(({ state }) => formatQuantity(state.overage))),
      arrays.numeric(snapshots.map(({ state }) => formatQuantity(state.grantUsageInPeriod))),
    ],
  );
};

/** Entitlements that count a meter and may still give access, after an id, in the order of their ids. */
export const entitlementsOfMeter = async (
  queryable: Queryable,
  meterId: string,
  afterId: string,
  limit: number,
): Promise<string[]> => {
  const { rows } = await queryable.query<{ id: string }>(
    `SELECT e.id FROM entitlement e JOIN feature f ON f.id = e.feature_id
     WHERE f.meter_id = $1 AND e.type = 'metered' AND e.deleted_at IS NULL AND e.id > $2
     ORDER BY e.id LIMIT ${limit}`,
    [meterId, afterId],
  );
  return rows.map((row) => row.id);
};
