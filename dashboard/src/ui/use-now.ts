import { useSyncExternalStore } from 'react';

/** One clock for the whole page, so that relative times move together and cost one timer. */
const tickMs = 5_000;
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  // The first one to look after a while finds a clock that stood still.
  if (timer === undefined) now = Date.now();
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, tickMs);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
};

/** Epoch ms, renewed every five seconds. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => now);
