import { formatQuantity, type Quantity } from '../primitives/decimal';
import type { Queryable, Transaction } from '../storage';
import type { Entitlement } from './entitlement';
import { type Evaluation, endOfTime, hasEnded } from './evaluation';
import type { StoredStanding } from './stored-standing';

const columns = `entitlement_id AS "entitlementId", customer_id AS "customerId", feature_id AS "featureId",
  feature_key AS "featureKey", active_from AS "activeFrom", measure_from AS "measureFrom", period_from AS "periodFrom", period_to AS "periodTo",
  segment_from AS "segmentFrom", valid_until AS "validUntil", usage, exhausts_at AS "exhaustsAt",
  total_available AS "totalAvailable", has_access AS "hasAccess", is_stale AS "isStale",
  grant_balances AS "grantBalances"`;

const byId = (rows: StoredStanding[]): Map<string, StoredStanding> =>
  new Map(rows.map((row) => [row.entitlementId, row]));

/** Locks the standings in the order of their ids, which is the order of ingest, and returns those there are. */
export const lockStandings = async (
  transaction: Transaction,
  ids: readonly string[],
): Promise<Map<string, StoredStanding>> => {
  const { rows } = await transaction.query<StoredStanding>(
    `SELECT ${columns} FROM entitlement_standing WHERE entitlement_id = ANY ($1::text[])
     ORDER BY entitlement_id FOR UPDATE`,
    [transaction.arrays.text(ids)],
  );
  return byId(rows);
};

/** The standings of entitlements, by entitlement id. */
export const readStandings = async (
  queryable: Queryable,
  ids: readonly string[],
): Promise<Map<string, StoredStanding>> => {
  const { rows } = await queryable.query<StoredStanding>(
    `SELECT ${columns} FROM entitlement_standing WHERE entitlement_id = ANY ($1::text[])`,
    [queryable.arrays.text(ids)],
  );
  return byId(rows);
};

/**
 * Writes where entitlements stand; ended ones lose their row.
 *
 * @param wakeAt the usage at which ingest must evaluate an entitlement again, by its id; none for no such usage
 * @param definitions the version of the definitions that `wakeAt` follows from
 */
export const saveStandings = async (
  transaction: Transaction,
  evaluations: readonly Evaluation[],
  wakeAt: ReadonlyMap<string, Quantity>,
  definitions: number,
  now: number,
): Promise<void> => {
  const ended = evaluations.filter(({ entitlement }) => hasEnded(entitlement, now));
  const standing = evaluations.filter(({ entitlement }) => !hasEnded(entitlement, now));
  const { arrays } = transaction;
  if (ended.length > 0) {
    await transaction.query('DELETE FROM entitlement_standing WHERE entitlement_id = ANY ($1::text[])', [
      arrays.text(ended.map(({ entitlement }) => entitlement.id)),
    ]);
  }
  if (standing.length === 0) return;
  await transaction.query(saveStatement, [
    arrays.text(standing.map(({ entitlement }) => entitlement.id)),
    arrays.text(standing.map(({ entitlement }) => entitlement.customerId)),
    arrays.text(standing.map(({ entitlement }) => entitlement.featureId)),
    arrays.text(standing.map(({ entitlement }) => entitlement.featureKey)),
    arrays.bigint(standing.map(({ entitlement }) => entitlement.activeFrom)),
    arrays.bigint(standing.map(({ period }) => period.from)),
    arrays.bigint(standing.map(({ period }) => period.to)),
    arrays.bigint(standing.map(({ segmentFrom }) => segmentFrom)),
    arrays.bigint(standing.map(({ validUntil }) => validUntil)),
    arrays.numeric(standing.map((evaluation) => formatQuantity(evaluation.standing.usage))),
    arrays.numeric(standing.map((evaluation) => formatQuantity(evaluation.standing.exhaustsAtUsage))),
    arrays.numeric(standing.map((evaluation) => formatQuantity(evaluation.standing.totalAvailable))),
    arrays.numeric(
      standing.map(({ entitlement }) => {
        const wake = wakeAt.get(entitlement.id);
        return wake ? formatQuantity(wake) : null;
      }),
    ),
    arrays.text(standing.map(({ hasAccess }) => String(hasAccess))),
    arrays.bigint(standing.map(({ entitlement }) => measuredFrom(entitlement))),
    arrays.text(standing.map(grantBalancesText)),
    definitions,
    now,
  ]);
};

/** Usage counts from here on; never for entitlements that are not metered. */
const measuredFrom = (entitlement: Entitlement): number =>
  entitlement.type === 'metered' ? entitlement.measureUsageFrom : endOfTime;

const grantBalancesText = ({ grantBalancesAtSegmentStart }: Evaluation): string =>
  JSON.stringify([...grantBalancesAtSegmentStart].map(([id, balance]) => [id, formatQuantity(balance)]));

const saveStatement = `INSERT INTO entitlement_standing (entitlement_id, customer_id, feature_id, feature_key, active_from,
    period_from, period_to, segment_from, valid_until, usage, exhausts_at, total_available, wake_at, has_access,
    measure_from, grant_balances, definitions, updated_at)
  SELECT s.entitlement_id, s.customer_id, s.feature_id, s.feature_key, s.active_from, s.period_from, s.period_to,
    s.segment_from, s.valid_until, s.usage, s.exhausts_at, s.total_available, s.wake_at, s.has_access::boolean,
    s.measure_from, s.grant_balances::jsonb, $17::bigint, $18::bigint
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
      $9::bigint[], $10::numeric[], $11::numeric[], $12::numeric[], $13::numeric[], $14::text[], $15::bigint[], $16::text[])
    AS s (entitlement_id, customer_id, feature_id, feature_key, active_from, period_from, period_to, segment_from,
      valid_until, usage, exhausts_at, total_available, wake_at, has_access, measure_from, grant_balances)
  ORDER BY s.entitlement_id
  ON CONFLICT (entitlement_id) DO UPDATE SET active_from = excluded.active_from, period_from = excluded.period_from,
    period_to = excluded.period_to, segment_from = excluded.segment_from, valid_until = excluded.valid_until,
    usage = excluded.usage, exhausts_at = excluded.exhausts_at, total_available = excluded.total_available,
    wake_at = excluded.wake_at, has_access = excluded.has_access, definitions = excluded.definitions,
    measure_from = excluded.measure_from, grant_balances = excluded.grant_balances, is_stale = false, updated_at = excluded.updated_at`;

/**
 * Entitlements whose standing is due to change by itself at or before `now`; locked, those that others hold are left out.
 * @param except ids to leave alone
 */
export const takeDueStandings = async (
  transaction: Transaction,
  now: number,
  limit: number,
  except: readonly string[] = [],
): Promise<string[]> => {
  const { rows } = await transaction.query<{ id: string }>(
    `SELECT entitlement_id AS id FROM entitlement_standing
     WHERE valid_until <= $1::bigint AND NOT entitlement_id = ANY ($3::text[])
     ORDER BY valid_until LIMIT $2::bigint FOR UPDATE SKIP LOCKED`,
    [now, limit, transaction.arrays.text(except)],
  );
  return rows.map((row) => row.id);
};

/** When the next standing is due, epoch milliseconds. */
export const nextDueAt = async (
  queryable: Queryable,
  except: readonly string[] = [],
): Promise<number | undefined> => {
  const { rows } = await queryable.query<{ due: number }>(
    `SELECT valid_until AS due FROM entitlement_standing WHERE NOT entitlement_id = ANY ($1::text[])
     ORDER BY valid_until LIMIT 1`,
    [queryable.arrays.text(except)],
  );
  return rows[0]?.due;
};

/**
 * Makes the standings due a while from now, whatever else they wait for: they must be settled once more when ingest that
 * is under way has ended, and should this process die before, the scheduler does it.
 */
export const makeDueBy = async (
  transaction: Transaction,
  ids: readonly string[],
  dueAt: number,
): Promise<void> => {
  await transaction.query(
    `UPDATE entitlement_standing SET valid_until = least(valid_until, $2::bigint) WHERE entitlement_id = ANY ($1::text[])`,
    [transaction.arrays.text(ids), dueAt],
  );
};
