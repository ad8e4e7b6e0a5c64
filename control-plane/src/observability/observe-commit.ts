import type { UsageEvent } from '../events';
import type { Metrics } from './metrics';

type Commit = (events: UsageEvent[]) => Promise<ReadonlySet<number>>;

/** The same commit, measured. */
export const observeCommit =
  (commit: Commit, metrics: Pick<Metrics, 'batchCommitted' | 'batchFailed'>): Commit =>
  async (events) => {
    const startedAt = performance.now();
    try {
      const duplicates = await commit(events);
      let newestAt = 0;
      for (const { time } of events) if (time > newestAt) newestAt = time;
      metrics.batchCommitted({
        events: events.length,
        duplicates: duplicates.size,
        ms: performance.now() - startedAt,
        newestAt,
      });
      return duplicates;
    } catch (error) {
      metrics.batchFailed();
      throw error;
    }
  };
