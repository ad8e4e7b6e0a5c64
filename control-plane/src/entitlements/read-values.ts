import type { Clock } from '../primitives/clock';
import { type Quantity, ZERO } from '../primitives/decimal';
import { invalid } from '../primitives/refusal';
import { type Database, readConsistently } from '../storage';
import type { Standing } from './burn-down/standing';
import { standingOf } from './burn-down/standing';
import type { Entitlement } from './entitlement';
import { evaluateReadOnly, hasAccessAt, runLedgers } from './evaluate';
import { loadEntitlements } from './ledger-store';
import { runningGrantBalances, runningStanding } from './stored-standing';
import { type Holder, readValueRow, readValueRows, type ValueRow } from './value-store';

/** What an entitlement is worth at an instant. */
export interface EntitlementValue {
  entitlementId: string;
  featureKey: string;
  type: Entitlement['type'];
  hasAccess: boolean;
  /** JSON text; of static ones. */
  config: string | undefined;
  /** Of metered ones. */
  standing: Standing | undefined;
  /** By grant id, in the order in which grants burn. */
  grantBalances: ReadonlyMap<string, Quantity>;
}

/** How far ahead a value may be asked for: 366 days. */
const maximumAheadMs = 366 * 86_400_000;

export const createValueReader = ({ database, clock }: { database: Database; clock: Clock }) => ({
  /**
   * The value now, from the running usage with one statement; an entitlement whose standing is due (the scheduler is
   * about to look at it) is evaluated without writing.
   */
  now: async (holder: Holder, idOrFeatureKey: string): Promise<EntitlementValue | undefined> => {
    const now = clock.now();
    const row = await readValueRow(database, holder, idOrFeatureKey, now);
    if (!row) return undefined;
    return (await valuesOf(database, [row], now))[0];
  },

  /** The values of everything a customer is entitled to now. */
  ofCustomer: async (customerId: string): Promise<EntitlementValue[]> => {
    const now = clock.now();
    return valuesOf(database, await readValueRows(database, customerId, now), now);
  },

  /**
   * The value at an instant, from what is known now: usage before that instant, and the grants that were or will be
   * active then.
   * @throws Refusal `invalid_time` when more than 366 days ahead
   */
  at: async (entitlement: Entitlement, at: number): Promise<EntitlementValue> => {
    if (at > clock.now() + maximumAheadMs) {
      const message = 'time must be at most 366 days ahead';
      throw invalid('invalid_time', message, [{ code: 'out_of_range', field: 'time', message }]);
    }
    return readConsistently(database, async (queryable) => {
      const loaded = await loadEntitlements(queryable, [{ id: entitlement.id, at }]);
      const [run] = await runLedgers(queryable, loaded, () => at, false);
      const isMeasured = entitlement.type === 'metered' && at >= entitlement.measureUsageFrom;
      const standing = isMeasured && run?.result ? standingOf(run.result.state) : noStanding;
      return {
        entitlementId: entitlement.id,
        featureKey: entitlement.featureKey,
        type: entitlement.type,
        hasAccess: hasAccessAt(wasDeletedAfter(entitlement, at), standing, at),
        config: entitlement.type === 'static' ? entitlement.config : undefined,
        standing: entitlement.type === 'metered' ? standing : undefined,
        grantBalances: (isMeasured && run?.result?.state.balances) || new Map(),
      };
    });
  },
});

export type ValueReader = ReturnType<typeof createValueReader>;

const noStanding: Standing = {
  usage: ZERO,
  balance: ZERO,
  overage: ZERO,
  totalAvailable: ZERO,
  exhaustsAtUsage: ZERO,
};

/** Asked for an earlier instant, a deletion after it does not matter. */
const wasDeletedAfter = (entitlement: Entitlement, at: number): Entitlement =>
  entitlement.deletedAt !== null && at < entitlement.deletedAt
    ? { ...entitlement, deletedAt: null }
    : entitlement;

const isValid = (row: ValueRow, now: number): boolean => now < row.validUntil && !row.isStale;

const valuesOf = async (
  database: Database,
  rows: readonly ValueRow[],
  now: number,
): Promise<EntitlementValue[]> => {
  const due = rows.filter((row) => !isValid(row, now)).map((row) => row.entitlementId);
  const evaluations =
    due.length > 0
      ? await readConsistently(database, (queryable) => evaluateReadOnly(queryable, due, now))
      : [];
  const evaluated = new Map(evaluations.map((evaluation) => [evaluation.entitlement.id, evaluation]));
  return rows.map((row) => {
    const evaluation = evaluated.get(row.entitlementId);
    const isMetered = row.type === 'metered';
    return {
      entitlementId: row.entitlementId,
      featureKey: row.featureKey,
      type: row.type,
      hasAccess: evaluation?.hasAccess ?? row.hasAccess,
      config: row.config ?? undefined,
      standing: isMetered ? (evaluation?.standing ?? runningStanding(row)) : undefined,
      grantBalances: isMetered ? (evaluation?.grantBalances ?? runningGrantBalances(row)) : new Map(),
    };
  });
};
