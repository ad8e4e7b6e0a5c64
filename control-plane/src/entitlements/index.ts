export { type CustomerAccess, queryAccess } from './access-store';
export type { Standing } from './burn-down/standing';
export { type ClosestItem, type ClosestToLimit, createClosestToLimit } from './closest-to-limit';
export { createDueAlarm, createDueStandingsWorker, type DueAlarm } from './due-standings-worker';
export type { Entitlement, MeteredEntitlement } from './entitlement';
export {
  type EntitlementFilter,
  findEntitlement,
  findEntitlementById,
  listEntitlements,
} from './entitlement-store';
export { type EntitlementView, viewEntitlements } from './entitlement-view';
export { createEntitlements, type Entitlements, type NewReset } from './entitlements';
export { evaluate, hasAccessAt, runLedgers } from './evaluate';
export { type AccessChanged, type Evaluation, endOfTime, type Settle, type UsageReset } from './evaluation';
export { followCustomers } from './follow-customers';
export { type GrantFilter, type GrantRecord, listGrants } from './grant-store';
export { type BalanceHistory, type HistoryRequest, readHistory } from './history';
export { type EntitledFeature, entitlementsOfMeter, loadEntitlements } from './ledger-store';
export type { NewEntitlement } from './new-entitlement';
export type { NewGrant } from './new-grant';
export { createValueReader, type EntitlementValue, type ValueReader } from './read-values';
export { addUsage, type ToEvaluate } from './running-usage-store';
export { createSettleAfterIngest, type SettleAfterIngest } from './settle-after-ingest';
export { readStandings, saveStandings } from './standing-store';
export { runningStanding, type StoredStanding } from './stored-standing';
export { type UsageDelta, usageDeltas } from './usage-deltas';
export type { Holder } from './value-store';
