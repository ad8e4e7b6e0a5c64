export type { Standing } from './burn-down/standing';
export type { Entitlement, MeteredEntitlement } from './entitlement';
export { evaluate, hasAccessAt, runLedgers, runningStanding } from './evaluate';
export { type AccessChanged, type Evaluation, endOfTime, type Settle, type UsageReset } from './evaluation';
export { type EntitledFeature, entitlementsOfMeter, loadEntitlements } from './ledger-store';
export { addUsage, type ToEvaluate } from './running-usage-store';
export {
  nextDueAt,
  readStandings,
  saveStandings,
  takeDueStandings,
} from './standing-store';
export type { StoredStanding } from './stored-standing';
export { type UsageDelta, usageDeltas } from './usage-deltas';
