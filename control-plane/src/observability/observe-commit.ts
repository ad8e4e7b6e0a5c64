import type { UsageEvent } from '../events';
import type { Observations } from './observations';

type Commit = (events: UsageEvent[]) => Promise<ReadonlySet<number>>;

/** What else hears of each batch: live views. */
export interface CommitListeners {
  /** New events, duplicates left out. */
  count(events: number): void;
  stored(events: readonly UsageEvent[], duplicates: ReadonlySet<number>): void;
}

/** The same commit, measured. */
export const observeCommit =
  (
    commit: Commit,
    observations: Pick<Observations, 'batchCommitted' | 'batchFailed'>,
    views: CommitListeners,
  ): Commit =>
  async (events) => {
    const startedAt = performance.now();
    try {
      const duplicates = await commit(events);
      let newestAt = 0;
      for (const { time } of events) if (time > newestAt) newestAt = time;
      observations.batchCommitted({
        events: events.length,
        duplicates: duplicates.size,
        ms: performance.now() - startedAt,
        newestAt,
      });
      views.count(events.length - duplicates.size);
      views.stored(events, duplicates);
      return duplicates;
    } catch (error) {
      observations.batchFailed(performance.now() - startedAt);
      throw error;
    }
  };
