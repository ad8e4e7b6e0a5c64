import type { Quantity } from '../primitives/decimal';
import type { Period } from '../primitives/periods';
import type { Transaction } from '../storage';
import type { Standing } from './burn-down/standing';
import type { Entitlement } from './entitlement';
import type { EntitledFeature } from './ledger-store';
import type { ToEvaluate } from './running-usage-store';
import type { StoredStanding } from './stored-standing';

/** The end of time for rows that nothing ends: 9999-12-31T23:59:59.999Z. */
export const endOfTime = 253_402_300_799_999;

/** Where an entitlement stands now, and where it stood before. */
export interface Evaluation {
  entitlement: Entitlement;
  feature: EntitledFeature;
  standing: Standing;
  period: Period;
  segmentFrom: number;
  validUntil: number;
  hasAccess: boolean;
  /** Undefined when it is evaluated for the first time. */
  before: StoredStanding | undefined;
  /** Resets since it was evaluated last, oldest first. */
  resets: readonly { at: number; isManual: boolean }[];
  /** Balance by grant id, in the order in which grants burn. */
  grantBalances: ReadonlyMap<string, Quantity>;
  /** The same at `segmentFrom`, before the usage since then. */
  grantBalancesAtSegmentStart: ReadonlyMap<string, Quantity>;
}

/** Whether the entitlement is over: ended at its time, or deleted (which is never planned ahead). */
export const hasEnded = ({ activeTo, deletedAt }: Entitlement, now: number): boolean =>
  deletedAt !== null || (activeTo !== null && activeTo <= now);

/** A usage period that began anew, by hand or because its time came. */
export interface UsageReset {
  evaluation: Evaluation;
  /** Epoch milliseconds. */
  at: number;
  isManual: boolean;
}

/** Access that an entitlement gave and no longer gives, or the other way round. */
export interface AccessChanged {
  evaluation: Evaluation;
  hasAccess: boolean;
  /** What caused it, for the audit log: "usage", "reset", "grant", ... */
  cause: string;
  /** Epoch milliseconds. */
  at: number;
}

/**
 * Evaluates entitlements and records all that follows. Every change of an entitlement, a grant or a reset calls it in its
 * own transaction; so do ingest and the scheduler.
 */
export type Settle = (
  transaction: Transaction,
  changes: readonly ToEvaluate[],
  cause: string,
  now: number,
) => Promise<readonly Evaluation[]>;
