export type { Standing } from './burn-down/standing';
export type { Entitlement, MeteredEntitlement } from './entitlement';
export { type Evaluation, endOfTime, evaluate, hasAccessAt, runLedgers, runningStanding } from './evaluate';
export { type EntitledFeature, loadEntitlements } from './ledger-store';
export { addUsage, type ToEvaluate } from './running-usage-store';
export {
  nextDueAt,
  readStandings,
  type StoredStanding,
  saveStandings,
  takeDueStandings,
} from './standing-store';
export { type UsageDelta, usageDeltas } from './usage-deltas';
