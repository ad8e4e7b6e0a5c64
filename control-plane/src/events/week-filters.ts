import { createIngestBarrier, type Database } from '../storage';
import { createWeekFilter, filterBytes, type WeekFilter } from './week-filter';
import { identitiesAfter, storedWeeks, weekSize } from './week-store';

export interface WeekFiltersOptions {
  database: Database;
  onError: (error: unknown) => void;
  /** Called when all weeks that have ended, and that the memory has room for, are filtered. */
  onReady?: (weeks: number) => void;
  /** Memory for filters at most; weeks beyond it are looked up in the database. Newer weeks come first. */
  limitBytes?: number;
  /** Events read at once; between two pages ingest has its turn. */
  pageSize?: number;
  /** Milliseconds between two looks for a week that has ended. */
  intervalMs?: number;
}

const defaultLimitBytes = 64 << 20;
const defaultPageSize = 5_000;
const defaultIntervalMs = 60_000;

/** The filter of a week, where there is one. */
export type FilterOfWeek = (week: number) => WeekFilter | undefined;

/**
 * Keeps filters of the weeks that have ended. They follow from rows that never change, so each process makes its own; as
 * long as a week has none, it is looked up in the database.
 */
export const createWeekFilters = (options: WeekFiltersOptions) => {
  const { database, onError } = options;
  const limitBytes = options.limitBytes ?? defaultLimitBytes;
  const pageSize = options.pageSize ?? defaultPageSize;
  const barrier = createIngestBarrier(database);
  const filters = new Map<number, WeekFilter>();
  let isStopped = false;
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  const build = async (week: number): Promise<void> => {
    const events = await weekSize(database, week);
    const used = [...filters.values()].reduce((sum, filter) => sum + filter.bytes, 0);
    if (used + filterBytes(events) > limitBytes) return;
    const filter = createWeekFilter(events);
    let last: { id: string; source: string } | undefined;
    do {
      const page = await identitiesAfter(database, week, last, pageSize);
      for (const { id, source } of page) filter.add(id, source);
      last = page.length < pageSize ? undefined : page.at(-1);
    } while (last && !isStopped);
    if (!isStopped) filters.set(week, filter);
  };

  /** Makes the filters that are missing, and forgets those of weeks that were dropped. */
  const refresh = async (): Promise<void> => {
    const weeks = await storedWeeks(database);
    for (const week of filters.keys()) if (!weeks.includes(week)) filters.delete(week);
    // The newest week takes events; the others take none once the batches that began before it was opened have ended.
    const ended = weeks.slice(0, -1).filter((week) => !filters.has(week));
    if (ended.length === 0) return;
    await barrier();
    for (const week of ended.reverse()) {
      if (isStopped) return;
      await build(week);
    }
    options.onReady?.(filters.size);
  };

  const look = (): void => {
    running = refresh().catch(onError);
    void running.then(() => {
      if (isStopped) return;
      timer = setTimeout(look, options.intervalMs ?? defaultIntervalMs);
      timer.unref();
    });
  };

  return {
    filterOf: ((week) => filters.get(week)) as FilterOfWeek,
    refresh,
    start: look,
    stop: async (): Promise<void> => {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
};
