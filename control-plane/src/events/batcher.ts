import type { UsageEvent } from './usage-event';

/** What became of the events of one request, by their position in it. */
export interface Receipt {
  accepted: number;
  /** Positions of events that were known already. */
  duplicates: number[];
}

/** Refused for now: the queue in front of the database is full, or the process is stopping. */
export class IngestOverloadedError extends Error {
  readonly code = 'ingest_overloaded';
  readonly isRetryable = true;
  constructor(readonly retryAfterSeconds: number) {
    super('the ingest queue is full');
    this.name = 'IngestOverloadedError';
  }
}

export interface BatcherOptions {
  /** Commits events in one transaction and returns the positions of duplicates. */
  commit: (events: UsageEvent[]) => Promise<ReadonlySet<number>>;
  /** Events in one transaction at most. */
  maximumBatch: number;
  /** Transactions at the same time. */
  concurrency: number;
  /** A further transaction is opened beside a running one only when this many events wait: larger batches are cheaper. */
  worthwhileBatch: number;
  /** Events waiting at most; more are refused. */
  maximumQueued: number;
  onBatch?: (events: number, durationMs: number) => void;
}

interface Waiting {
  events: UsageEvent[];
  resolve: (receipt: Receipt) => void;
  reject: (error: unknown) => void;
}

/**
 * Group commit: the events of all requests that wait go into one transaction, and each request is answered after its
 * COMMIT. An idle server commits a lone request at once; under load the batches grow by themselves.
 */
export const createBatcher = (options: BatcherOptions) => {
  const queue: Waiting[] = [];
  let queued = 0;
  let running = 0;
  /** Events in the transaction that was begun last; after a pause everything that waits is taken. */
  let lastSize = Number.POSITIVE_INFINITY;
  let isStopping = false;
  let onIdle: (() => void) | undefined;

  const accept = (events: UsageEvent[]): Promise<Receipt> => {
    if (events.length === 0) return Promise.resolve({ accepted: 0, duplicates: [] });
    if (isStopping || queued + events.length > options.maximumQueued) {
      return Promise.reject(new IngestOverloadedError(1));
    }
    return new Promise((resolve, reject) => {
      queue.push({ events, resolve, reject });
      queued += events.length;
      start();
    });
  };

  const start = (): void => {
    while (queue.length > 0 && running < options.concurrency) {
      if (running > 0 && queued < options.worthwhileBatch) return;
      running += 1;
      // The turn of the event loop ends first, so that requests that arrived together share a transaction.
      setImmediate(() => {
        void commitNext().finally(() => {
          running -= 1;
          start();
          if (running > 0 || queue.length > 0) return;
          lastSize = Number.POSITIVE_INFINITY;
          onIdle?.();
        });
      });
    }
  };

  /**
   * Events in the next transaction at most. Clients that wait for each answer come back together: after a large transaction
   * few others wait, the next one is small, and process and database take turns instead of working side by side. Half of all
   * that are under way keeps the sizes even.
   */
  const nextSize = (): number =>
    queued >= options.worthwhileBatch ? options.maximumBatch : Math.ceil((lastSize + queued) / 2);

  const take = (): Waiting[] => {
    const taken: Waiting[] = [];
    const limit = Math.min(nextSize(), options.maximumBatch);
    let size = 0;
    while (queue.length > 0 && (taken.length === 0 || size + queue[0]!.events.length <= limit)) {
      const next = queue.shift()!;
      taken.push(next);
      size += next.events.length;
    }
    queued -= size;
    lastSize = size;
    return taken;
  };

  const commitNext = async (): Promise<void> => {
    const requests = take();
    if (requests.length === 0) return;
    const startedAt = performance.now();
    const events =
      requests.length === 1 ? requests[0]!.events : requests.flatMap((request) => request.events);
    try {
      const duplicates = await options.commit(events);
      options.onBatch?.(events.length, performance.now() - startedAt);
      answer(requests, duplicates);
    } catch (error) {
      for (const request of requests) request.reject(error);
    }
  };

  const answer = (requests: readonly Waiting[], duplicates: ReadonlySet<number>): void => {
    let offset = 0;
    for (const { events, resolve } of requests) {
      const own: number[] = [];
      if (duplicates.size > 0) {
        for (let position = 0; position < events.length; position += 1) {
          if (duplicates.has(offset + position)) own.push(position);
        }
      }
      offset += events.length;
      resolve({ accepted: events.length - own.length, duplicates: own });
    }
  };

  return {
    accept,
    /** Events that wait for their transaction. */
    queued: () => queued,
    /** Refuses new events and ends when those that wait are committed. */
    stop: (): Promise<void> => {
      isStopping = true;
      if (running === 0 && queue.length === 0) return Promise.resolve();
      return new Promise((resolve) => {
        onIdle = resolve;
      });
    },
  };
};

export type Batcher = ReturnType<typeof createBatcher>;
