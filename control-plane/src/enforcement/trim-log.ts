import type { Database } from '../storage';
import { deleteOldestLog } from './log-store';

/** A statement removes so many entries at most, so that it holds its locks for milliseconds. */
const batch = 2_000;
/** Batches of one round; the next round goes on. */
const batchesInRound = 50;

/**
 * Removes entries of the access log from before an instant (epoch milliseconds), the oldest first. Several replicas may do
 * it at once. Returns how many were removed.
 */
export const trimLog = async (database: Database, before: number): Promise<number> => {
  let removed = 0;
  for (let round = 0; round < batchesInRound; round += 1) {
    const count = await deleteOldestLog(database, before, batch);
    removed += count;
    if (count < batch) break;
  }
  return removed;
};
