import type { AccessChanged, Evaluation, UsageReset } from '../entitlements';
import type { Transaction } from '../storage';
import type { ThresholdLine } from './crossings';

/** A line that an entitlement has reached, recorded once. */
export interface ThresholdCrossed {
  id: string;
  ruleId: string;
  line: ThresholdLine;
  evaluation: Evaluation;
  /** Epoch milliseconds. */
  crossedAt: number;
}

/** Everything that one settling found out; later stages record what follows from it in the same transaction. */
export interface Facts {
  crossings: readonly ThresholdCrossed[];
  resets: readonly UsageReset[];
  accessChanges: readonly AccessChanged[];
}

/** A stage after thresholds: records what follows from facts, and asks `transaction.afterCommit` to wake its workers. */
export type FactRecorder = (transaction: Transaction, facts: Facts, now: number) => Promise<void>;
