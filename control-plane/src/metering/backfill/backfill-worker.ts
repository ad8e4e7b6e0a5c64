import { type BackfillOptions, stepBackfill } from './backfill-step';
import { deleteRetiredRollups, pendingMeterIds, releaseBackfill } from './backfill-store';

export interface BackfillWorkerOptions extends BackfillOptions {
  onError: (error: unknown) => void;
  /** How often to look for what another replica left behind, milliseconds. */
  sweepMs?: number;
}

const defaultSweepMs = 15_000;

/** Counts earlier events for new and regrouped meters, one step after the other, for as long as there are any. */
export const createBackfillWorker = (options: BackfillWorkerOptions) => {
  const { database, owner, onError, sweepMs = defaultSweepMs } = options;
  let running: Promise<void> | undefined;
  let isWanted = false;
  let isStopping = false;
  let timer: NodeJS.Timeout | undefined;

  const backfill = async (meterId: string): Promise<void> => {
    for (;;) {
      if (isStopping) return releaseBackfill(database, meterId, owner);
      const result = await stepBackfill(options, meterId);
      if (result !== 'advanced') return;
    }
  };

  const round = async (): Promise<void> => {
    // Whatever fails is tried again by the next sweep; a step that did not commit has changed nothing.
    for (const meterId of await pendingMeterIds(database)) await backfill(meterId).catch(onError);
    while (!isStopping && (await database.transaction(deleteRetiredRollups)));
  };

  const loop = async (): Promise<void> => {
    while (isWanted && !isStopping) {
      isWanted = false;
      await round().catch(onError);
    }
  };

  /** Begins at once, or goes round once more when it is at work. */
  const wake = (): void => {
    if (isStopping) return;
    isWanted = true;
    running ??= loop().finally(() => {
      running = undefined;
    });
  };

  return {
    wake,
    start: (): void => {
      wake();
      timer = setInterval(wake, sweepMs);
      timer.unref();
    },
    /** Ends after the step under way; the next start, here or on another replica, goes on from there. */
    stop: async (): Promise<void> => {
      isStopping = true;
      clearInterval(timer);
      await running;
    },
  };
};
