import { firstIdentifierAt } from '../primitives/identifiers';
import type { Activity } from './activity';

/** How often new things are looked for while somebody looks on. */
const pollMs = 500;
/** Ids are made before the transaction that writes them has ended, so the last seconds are read again each time. */
const overlapMs = 10_000;

export interface ActivityPollerOptions {
  /** Epoch milliseconds. */
  now: () => number;
  /** What has a greater id than `after`, the newest first. */
  read: (after: string) => Promise<Activity[]>;
  onError: (error: unknown) => void;
}

/** Takes what happened since the last time, oldest first. */
export type ActivityListener = (activities: readonly Activity[]) => void;

/** Looks for what happened, whichever replica did it, and only while somebody listens; one look serves all. */
export const createActivityPoller = ({ now, read, onError }: ActivityPollerOptions) => {
  const listeners = new Map<ActivityListener, () => void>();
  let timer: NodeJS.Timeout | undefined;
  let isReading = false;
  /** Ids that were passed on, or were there before anybody listened. */
  let known: Set<string> | undefined;

  const look = async (): Promise<void> => {
    if (isReading) return;
    isReading = true;
    try {
      const recent = await read(firstIdentifierAt(now() - overlapMs));
      const before = known;
      known = new Set(recent.map(({ id }) => id));
      if (!before) return;
      const fresh = recent.filter(({ id }) => !before.has(id)).reverse();
      if (fresh.length > 0) for (const listener of listeners.keys()) listener(fresh);
    } catch (error) {
      onError(error);
    } finally {
      isReading = false;
    }
  };

  const remove = (listener: ActivityListener): void => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
    known = undefined;
  };

  return {
    get size(): number {
      return listeners.size;
    },
    /**
     * Passes on what happens from now on; ends after the look that says what was there before.
     * @param ended is called when the process stops
     * @returns the way to end it
     */
    listen: async (listener: ActivityListener, ended: () => void): Promise<() => void> => {
      listeners.set(listener, ended);
      timer ??= setInterval(() => void look(), pollMs).unref();
      if (!known) await look();
      return () => remove(listener);
    },
    stop: async (): Promise<void> => {
      for (const [listener, ended] of [...listeners]) {
        remove(listener);
        ended();
      }
    },
  };
};
