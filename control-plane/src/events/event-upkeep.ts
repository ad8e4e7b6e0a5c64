import type { Database } from '../storage';
import { databaseNow, dropRetiredTables, indexClosedWeeks, retireWeeks } from './week-store';

export interface EventUpkeepOptions {
  database: Database;
  /** How long raw events are kept at least, milliseconds since their receipt; undefined keeps them for ever. */
  retentionMs: number | undefined;
  onError: (error: unknown) => void;
  onRetired: (weeks: readonly number[]) => void;
  /** Time between taking a week off the list and dropping its table, so that whoever still reads it can end. */
  graceMs?: number;
  /** Time between two rounds. */
  intervalMs?: number;
}

const hourMs = 3_600_000;
const defaultIntervalMs = 600_000;

/**
 * One round of upkeep: indexes weeks that are over, and drops whole weeks of raw events that are older than the retention.
 * Rollups stay, so usage does. All by the database's clock, as ingest is; any replica may do it, and several at once.
 */
export const keepUpEvents = async (options: EventUpkeepOptions): Promise<void> => {
  const { database, retentionMs, graceMs = hourMs } = options;
  const now = await databaseNow(database);
  if (retentionMs !== undefined) {
    const retired = await retireWeeks(database, now - retentionMs, now);
    if (retired.length > 0) options.onRetired(retired);
    await dropRetiredTables(database, now - graceMs, now);
  }
  await indexClosedWeeks(database, now);
};

/** Keeps the weekly tables of events in order, at the start and every few minutes. */
export const createEventUpkeep = (options: EventUpkeepOptions) => {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  const round = (): void => {
    running ??= keepUpEvents(options)
      .catch(options.onError)
      .finally(() => {
        running = undefined;
      });
  };
  return {
    start: (): void => {
      round();
      timer = setInterval(round, options.intervalMs ?? defaultIntervalMs);
      timer.unref();
    },
    stop: async (): Promise<void> => {
      clearInterval(timer);
      await running;
    },
  };
};
