import { readUsage, type UsageRequest } from '../metering';
import { ZERO } from '../primitives/decimal';
import type { Queryable, Transaction } from '../storage';
import type { BurnDownAggregation, BurnDownResult } from './burn-down/burn-down';
import { type Standing, standingOf } from './burn-down/standing';
import type { Entitlement } from './entitlement';
import { type Evaluation, endOfTime, hasEnded } from './evaluation';
import { type LedgerPlan, measuredSpans, planLedger, settleLedger, statesAfterRollovers } from './ledger';
import { forgetSnapshots, type LoadedEntitlement, loadEntitlements, saveSnapshots } from './ledger-store';
import type { ToEvaluate } from './running-usage-store';
import { lockStandings } from './standing-store';
import type { StoredStanding } from './stored-standing';

/**
 * Evaluates entitlements anew from their grants and rollups, keeps the snapshots of periods that ended, and returns where
 * each stands. The rows of their standings are locked first, so that ingest waits and adds to the result afterwards.
 *
 * No entitlement goes back in time: where another process, whose clock is ahead, has evaluated one for a later segment
 * already, that instant holds. Otherwise its period would begin, and be told, a second time.
 */
export const evaluate = async (
  transaction: Transaction,
  changes: readonly ToEvaluate[],
  now: number,
): Promise<Evaluation[]> => {
  const ids = [...new Set(changes.map((change) => change.entitlementId))].sort();
  const [before] = await Promise.all([
    lockStandings(transaction, ids),
    forgetSnapshots(transaction, changes),
  ]);
  const evaluatedFor = (id: string): number => Math.max(now, before.get(id)?.segmentFrom ?? now);
  const loaded = await loadEntitlements(
    transaction,
    ids.map((id) => ({ id, at: evaluatedFor(id) })),
  );
  // What ended before and has no standing was told; to tell it again would be wrong.
  const open = loaded.filter(({ entitlement }) => before.has(entitlement.id) || !hasEnded(entitlement, now));
  const runs = await runLedgers(transaction, open, evaluatedFor, true);
  await saveSnapshots(
    transaction,
    runs.flatMap(({ loaded: { entitlement }, result }) =>
      result ? statesAfterRollovers(result).map((state) => ({ entitlementId: entitlement.id, state })) : [],
    ),
  );
  return runs.map((run) => {
    const { id } = run.loaded.entitlement;
    return evaluationOf(run, before.get(id), evaluatedFor(id));
  });
};

/** Where entitlements stand, without writing anything: for reading one whose standing is due to be evaluated. */
export const evaluateReadOnly = async (
  queryable: Queryable,
  ids: readonly string[],
  now: number,
): Promise<Evaluation[]> => {
  const loaded = await loadEntitlements(
    queryable,
    ids.map((id) => ({ id, at: now })),
  );
  const runs = await runLedgers(queryable, loaded, () => now, true);
  return runs.map((run) => evaluationOf(run, undefined, now));
};

/** An entitlement with its burn-down; only metered ones have one. */
export interface LedgerRun {
  loaded: LoadedEntitlement;
  plan: LedgerPlan | undefined;
  result: BurnDownResult | undefined;
}

/** Runs the ledgers of entitlements, each up to its instant, measuring the usage of all of them together. */
export const runLedgers = async (
  queryable: Queryable,
  loaded: readonly LoadedEntitlement[],
  at: (entitlementId: string) => number,
  isOpen: boolean,
): Promise<LedgerRun[]> => {
  const plans = loaded.map((item) => planOf(item, at(item.entitlement.id), isOpen));
  const results = await runPlans(queryable, loaded, plans);
  return loaded.map((item, index) => ({ loaded: item, plan: plans[index], result: results[index] }));
};

/** Measures and burns plans down; `plans` belong to `loaded` one by one. */
export const runPlans = async (
  queryable: Queryable,
  loaded: readonly LoadedEntitlement[],
  plans: readonly (LedgerPlan | undefined)[],
): Promise<(BurnDownResult | undefined)[]> => {
  const spans = plans.map((plan) => (plan ? measuredSpans(plan) : []));
  const requests: UsageRequest[] = loaded.flatMap(({ feature, subjects }, index) =>
    spans[index]!.map(({ from, to }) => ({
      compiled: feature.meter!,
      subjects,
      filters: feature.filters,
      from,
      to,
    })),
  );
  const usage = await readUsage(queryable, requests);
  let next = 0;
  return plans.map((plan, index) => {
    const own = spans[index]!;
    const measurements = usage.slice(next, next + own.length);
    next += own.length;
    return plan && settleLedger(plan, own, measurements);
  });
};

/** The ledger of an entitlement cut into segments up to `at`; only metered ones have one. */
export const planOf = (item: LoadedEntitlement, at: number, isOpen: boolean): LedgerPlan | undefined => {
  const { entitlement, feature, grants, manualResets, snapshot } = item;
  if (entitlement.type !== 'metered' || !feature.meter) return undefined;
  const aggregation = feature.meter.meter.aggregation as BurnDownAggregation;
  return planLedger(
    { entitlement, aggregation, filters: feature.filters, grants, manualResets, snapshot },
    at,
    isOpen,
  );
};

const nothing: Standing = {
  usage: ZERO,
  balance: ZERO,
  overage: ZERO,
  totalAvailable: ZERO,
  exhaustsAtUsage: ZERO,
};

const evaluationOf = (run: LedgerRun, before: StoredStanding | undefined, now: number): Evaluation => {
  const { entitlement, feature } = run.loaded;
  const { plan, result } = run;
  const end = entitlement.activeTo ?? entitlement.deletedAt ?? endOfTime;
  const standing = result ? standingOf(result.state) : nothing;
  const changesOfAccess = [entitlement.activeFrom, end].filter((instant) => instant > now);
  return {
    entitlement,
    feature,
    standing,
    period: plan?.period ?? { from: entitlement.activeFrom, to: end },
    segmentFrom: plan?.segments.at(-1)?.from ?? entitlement.activeFrom,
    validUntil: Math.min(plan?.validUntil ?? endOfTime, ...changesOfAccess),
    hasAccess: hasAccessAt(entitlement, standing, now),
    before,
    resets: (plan?.resets ?? []).filter(
      ({ at }) => before !== undefined && before.periodFrom < at && at < end,
    ),
    grantBalances: result?.state.balances ?? new Map(),
    grantBalancesAtSegmentStart: result?.segments.at(-1)?.grantBalancesAtStart ?? new Map(),
  };
};

/** Whether the entitlement grants access: an active static or boolean one does, a metered one by soft limit or balance. */
export const hasAccessAt = (
  entitlement: Entitlement,
  standing: Pick<Standing, 'balance'>,
  now: number,
): boolean => {
  if (now < entitlement.activeFrom || hasEnded(entitlement, now)) return false;
  return entitlement.type !== 'metered' || entitlement.isSoftLimit || standing.balance.greaterThan(0);
};
