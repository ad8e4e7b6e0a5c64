import type { Clock } from '../primitives/clock';
import type { Database, Transaction } from '../storage';
import type { Evaluation, Settle } from './evaluation';
import type { ToEvaluate } from './running-usage-store';
import { makeDueBy } from './standing-store';

/** Long enough for every ingest transaction that was under way to end, milliseconds. */
const graceMs = 10_000;

export interface SettleAfterIngestOptions {
  database: Database;
  clock: Clock;
  settle: Settle;
  /** Ends when all ingest that began before the call has ended; storage's createIngestBarrier. */
  barrier: () => Promise<void>;
}

/**
 * Settles entitlements whose events ingest could not know to count when it began: new ones, and those of customers whose
 * subjects changed. An event under way then may be missing in the first result, so they are settled once more when that
 * ingest has ended. Until then the standings are due shortly, so that the scheduler does it if this process dies.
 */
export const createSettleAfterIngest = ({ database, clock, settle, barrier }: SettleAfterIngestOptions) => ({
  /** The first settling, inside of the transaction that changes something. */
  within: async (
    transaction: Transaction,
    changes: readonly ToEvaluate[],
    cause: string,
    now: number,
  ): Promise<readonly Evaluation[]> => {
    const evaluations = await settle(transaction, changes, cause, now);
    const ids = changes.map(({ entitlementId }) => entitlementId);
    if (ids.length > 0) await makeDueBy(transaction, ids, now + graceMs);
    return evaluations;
  },

  /** The second one, after that transaction's COMMIT. */
  after: async (changes: readonly ToEvaluate[], cause: string): Promise<void> => {
    if (changes.length === 0) return;
    await barrier();
    await database.transaction((transaction) => settle(transaction, changes, cause, clock.now()));
  },
});

export type SettleAfterIngest = ReturnType<typeof createSettleAfterIngest>;
