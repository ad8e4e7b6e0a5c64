import type { Clock } from '../primitives/clock';
import { type Database, isConflict, isUnavailable } from '../storage';
import type { Settle } from './evaluation';
import { nextDueAt, takeDueStandings } from './standing-store';

/** Standings settled in one transaction. */
const batchSize = 200;
/** How long the worker sleeps at most: another replica may have saved an earlier standing and ended before it was due. */
const maximumSleepMs = 1_000;
/** How long a standing that could not be settled is left alone, so that it does not hold up the others. */
const penaltyMs = 60_000;

/** Wakes the worker early; {@link createDueAlarm}. */
export interface DueAlarm {
  /** A standing will be due at this instant, epoch milliseconds. */
  set(at: number): void;
  /** Ends at `at` by the clock, or when an earlier instant is set, or when told to ring. */
  wait(at: number): Promise<void>;
  ring(): void;
}

export const createDueAlarm = (clock: Clock): DueAlarm => {
  let waiting: { until: number; end: () => void } | undefined;
  // Set while nobody waits: the worker may have looked for the next one just before.
  let earliest = Number.POSITIVE_INFINITY;
  return {
    set: (at) => {
      earliest = Math.min(earliest, at);
      if (waiting && at < waiting.until) waiting.end();
    },
    ring: () => waiting?.end(),
    wait: (at) =>
      new Promise((resolve) => {
        const end = () => {
          clearTimeout(timer);
          waiting = undefined;
          resolve();
        };
        const until = Math.min(at, earliest);
        earliest = Number.POSITIVE_INFINITY;
        const timer = setTimeout(end, Math.max(0, Math.min(until - clock.now(), maximumSleepMs)));
        waiting = { until, end };
      }),
  };
};

export interface DueStandingsWorkerOptions {
  database: Database;
  clock: Clock;
  settle: Settle;
  alarm: DueAlarm;
  onError: (error: unknown, entitlementIds: readonly string[]) => void;
}

/**
 * Settles every standing at the instant it is due: a period ends, a grant takes effect, recurs or expires, an entitlement
 * begins or ends. What is due stands in the database alone, so it survives restarts; replicas skip the rows that others
 * hold, so each is settled once.
 */
export const createDueStandingsWorker = (options: DueStandingsWorkerOptions) => {
  const { database, clock, settle, alarm, onError } = options;
  const penalties = new Map<string, number>();
  let isStopping = false;
  let running: Promise<void> | undefined;

  const settleBatch = (limit: number): Promise<string[]> =>
    database.transaction(async (transaction) => {
      const now = clock.now();
      const ids = await takeDueStandings(transaction, now, limit, [...penalties.keys()]);
      // Nothing of the past has changed, so no snapshot is forgotten.
      const changes = ids.map((entitlementId) => ({ entitlementId, changedFrom: Number.MAX_SAFE_INTEGER }));
      await settle(transaction, changes, 'schedule', now).catch((error: unknown) => {
        throw isConflict(error) || isUnavailable(error) ? error : new BatchError(ids, error);
      });
      return ids;
    });

  /** One of a batch cannot be settled: they are settled one by one, and the first that fails is left out for a while. */
  const settleOneByOne = async (failed: BatchError): Promise<void> => {
    for (let left = failed.ids.length; left > 0 && !isStopping; left -= 1) {
      try {
        if ((await settleBatch(1)).length === 0) return;
      } catch (error) {
        if (!(error instanceof BatchError)) throw error;
        onError(error.cause, error.ids);
        for (const id of error.ids) penalties.set(id, clock.now() + penaltyMs);
      }
    }
  };

  const settleAllDue = async (): Promise<void> => {
    for (const [id, until] of penalties) if (until <= clock.now()) penalties.delete(id);
    for (;;) {
      if (isStopping) return;
      try {
        if ((await settleBatch(batchSize)).length < batchSize) return;
      } catch (error) {
        if (!(error instanceof BatchError)) throw error;
        await settleOneByOne(error);
      }
    }
  };

  const run = async (): Promise<void> => {
    while (!isStopping) {
      let next: number | undefined;
      try {
        await settleAllDue();
        next = await nextDueAt(database, [...penalties.keys()]);
      } catch (error) {
        if (!isStopping) onError(error, []);
      }
      // Due already, but held by another replica: look again in a moment rather than at once.
      const soonest = clock.now() + 20;
      if (!isStopping) await alarm.wait(Math.max(soonest, next ?? soonest + maximumSleepMs));
    }
  };

  return {
    start: (): void => {
      running ??= run();
    },
    /** Ends after the batch under way. */
    stop: async (): Promise<void> => {
      isStopping = true;
      alarm.ring();
      await running;
    },
  };
};

class BatchError extends Error {
  constructor(
    readonly ids: readonly string[],
    cause: unknown,
  ) {
    super('a batch of standings could not be settled', { cause });
  }
}
