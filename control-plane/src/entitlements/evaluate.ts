import { readUsage, type UsageRequest } from '../metering';
import { toQuantity, ZERO } from '../primitives/decimal';
import type { Queryable, Transaction } from '../storage';
import type { BurnDownAggregation, BurnDownResult } from './burn-down/burn-down';
import { type Standing, standingOf } from './burn-down/standing';
import type { Entitlement } from './entitlement';
import { type Evaluation, endOfTime } from './evaluation';
import { type LedgerPlan, measuredSpans, planLedger, settleLedger, statesAfterRollovers } from './ledger';
import { forgetSnapshots, type LoadedEntitlement, loadEntitlements, saveSnapshots } from './ledger-store';
import type { ToEvaluate } from './running-usage-store';
import { lockStandings } from './standing-store';
import type { StoredStanding } from './stored-standing';

/**
 * Evaluates entitlements anew from their grants and rollups, keeps the snapshots of periods that ended, and returns where
 * each stands. The rows of their standings are locked first, so that ingest waits and adds to the result afterwards.
 */
export const evaluate = async (
  transaction: Transaction,
  changes: readonly ToEvaluate[],
  now: number,
): Promise<Evaluation[]> => {
  const ids = [...new Set(changes.map((change) => change.entitlementId))].sort();
  const before = await lockStandings(transaction, ids);
  await forgetSnapshots(transaction, changes);
  const loaded = await loadEntitlements(transaction, ids, now);
  const runs = await runLedgers(transaction, loaded, now, true);
  await saveSnapshots(
    transaction,
    runs.flatMap(({ loaded: { entitlement }, result }) =>
      result ? statesAfterRollovers(result).map((state) => ({ entitlementId: entitlement.id, state })) : [],
    ),
  );
  return runs.map((run) => evaluationOf(run, before.get(run.loaded.entitlement.id), now));
};

/** An entitlement with its burn-down; only metered ones have one. */
export interface LedgerRun {
  loaded: LoadedEntitlement;
  plan: LedgerPlan | undefined;
  result: BurnDownResult | undefined;
}

/** Runs the ledgers of entitlements up to `at`, measuring the usage of all of them together. */
export const runLedgers = async (
  queryable: Queryable,
  loaded: readonly LoadedEntitlement[],
  at: number,
  isOpen: boolean,
): Promise<LedgerRun[]> => {
  const plans = loaded.map((item) => planOf(item, at, isOpen));
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
  return loaded.map((item, index) => {
    const own = spans[index]!;
    const measurements = usage.slice(next, next + own.length);
    next += own.length;
    const plan = plans[index];
    return { loaded: item, plan, result: plan && settleLedger(plan, own, measurements) };
  });
};

const planOf = (item: LoadedEntitlement, at: number, isOpen: boolean): LedgerPlan | undefined => {
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
  const end = entitlement.activeTo ?? entitlement.deletedAt ?? endOfTime;
  const standing = run.result ? standingOf(run.result.state) : nothing;
  const { plan } = run;
  const validUntil = Math.min(plan?.validUntil ?? endOfTime, end > now ? end : endOfTime);
  return {
    entitlement,
    feature,
    standing,
    period: plan?.period ?? { from: entitlement.activeFrom, to: end },
    segmentFrom: plan?.segments.at(-1)?.from ?? entitlement.activeFrom,
    validUntil: now < entitlement.activeFrom ? entitlement.activeFrom : validUntil,
    hasAccess: hasAccessAt(entitlement, standing, now),
    before,
    resets: (plan?.resets ?? []).filter((reset) => before !== undefined && reset.at > before.periodFrom),
    grantBalances: run.result?.state.balances ?? new Map(),
  };
};

/** Whether the entitlement grants access: an active static or boolean one does, a metered one by soft limit or balance. */
export const hasAccessAt = (
  entitlement: Entitlement,
  standing: Pick<Standing, 'balance'>,
  now: number,
): boolean => {
  const isActive =
    entitlement.activeFrom <= now &&
    (entitlement.activeTo === null || now < entitlement.activeTo) &&
    (entitlement.deletedAt === null || now < entitlement.deletedAt);
  if (!isActive) return false;
  return entitlement.type !== 'metered' || entitlement.isSoftLimit || standing.balance.greaterThan(0);
};

/** The standing as the running usage has it; exact as long as it is valid. */
export const runningStanding = (stored: StoredStanding): Standing => {
  const usage = toQuantity(stored.usage);
  const exhaustsAtUsage = toQuantity(stored.exhaustsAt);
  const difference = exhaustsAtUsage.minus(usage);
  return {
    usage,
    exhaustsAtUsage,
    balance: difference.isPositive() ? difference : ZERO,
    overage: difference.isNegative() ? difference.negated() : ZERO,
    totalAvailable: toQuantity(stored.totalAvailable),
  };
};
