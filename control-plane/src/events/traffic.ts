import type { Clock } from '../primitives/clock';
import { HOUR_MS } from '../primitives/durations';
import type { Database } from '../storage';
import { addTraffic, forgetTraffic, readTraffic } from './traffic-store';

export const trafficBucketMs = 10_000;
const minuteMs = 60_000;
const flushMs = 1_000;
const keptMs = 2 * HOUR_MS;
/** Buckets that wait while the database cannot be reached; older ones are let go, since nobody looks at them any more. */
const maximumPending = 720;

export interface Traffic {
  /** New events of the last sixty seconds that have ended, in steps of ten: the figure to show as "a minute". */
  perMinute: number;
  /** The last sixty whole minutes, oldest first. */
  minutes: { from: number; events: number }[];
}

export interface TrafficOptions {
  database: Database;
  clock: Clock;
  onError: (error: unknown) => void;
}

/**
 * Counts what is taken in, for live views. Ingest only adds to a number in memory; once a second what has come together
 * is added to a table that all replicas share.
 */
export const createTraffic = ({ database, clock, onError }: TrafficOptions) => {
  const pending = new Map<number, number>();
  let timer: NodeJS.Timeout | undefined;
  let flushing: Promise<void> | undefined;
  let forgottenAt = 0;

  const flush = async (): Promise<void> => {
    if (pending.size === 0) return;
    const taken = [...pending].map(([at, events]) => ({ at, events }));
    pending.clear();
    try {
      await addTraffic(database, taken);
    } catch (error) {
      for (const { at, events } of taken) add(at, events);
      throw error;
    }
    const now = clock.now();
    if (now - forgottenAt < minuteMs) return;
    forgottenAt = now;
    await forgetTraffic(database, now - keptMs);
  };

  const add = (at: number, events: number): void => {
    pending.set(at, (pending.get(at) ?? 0) + events);
    if (pending.size > maximumPending) pending.delete(Math.min(...pending.keys()));
  };

  const flushOnce = (): Promise<void> => {
    flushing ??= flush()
      .catch(onError)
      .finally(() => {
        flushing = undefined;
      });
    return flushing;
  };

  return {
    /** New events were stored now. */
    count: (events: number): void => {
      if (events > 0) add(Math.floor(clock.now() / trafficBucketMs) * trafficBucketMs, events);
    },

    read: async (): Promise<Traffic> => {
      const now = clock.now();
      const thisMinute = Math.floor(now / minuteMs) * minuteMs;
      const from = thisMinute - HOUR_MS;
      const counts = new Map((await readTraffic(database, from)).map(({ at, events }) => [at, events]));
      for (const [at, events] of pending) counts.set(at, (counts.get(at) ?? 0) + events);
      const between = (start: number, end: number): number => {
        let sum = 0;
        for (let at = start; at < end; at += trafficBucketMs) sum += counts.get(at) ?? 0;
        return sum;
      };
      const thisBucket = Math.floor(now / trafficBucketMs) * trafficBucketMs;
      return {
        perMinute: between(thisBucket - minuteMs, thisBucket),
        minutes: Array.from({ length: 60 }, (_, index) => {
          const start = from + index * minuteMs;
          return { from: start, events: between(start, start + minuteMs) };
        }),
      };
    },

    start: (): void => {
      timer ??= setInterval(() => void flushOnce(), flushMs).unref();
    },
    /** Ends after what was counted is written. */
    stop: async (): Promise<void> => {
      clearInterval(timer);
      await flushing;
      await flushOnce();
    },
  };
};

export type TrafficCounter = ReturnType<typeof createTraffic>;
