import type { HoldingLimits } from '../configuration/configuration';

/** An event could neither be written to the journal nor delivered in time: it is lost, and its sender is told. */
export class EventRefused extends Error {
  constructor(
    readonly code: 'holding_full' | 'holding_expired' | 'stopped',
    options?: ErrorOptions,
  ) {
    super(`the event was not taken: ${code}`, options);
    this.name = 'EventRefused';
  }
}

/** One event that waits in memory; `settle` ends the wait well. */
export interface Held {
  readonly payload: Buffer;
  readonly settle: () => void;
}

interface Waiting extends Held {
  readonly since: number;
  readonly refuse: (error: EventRefused) => void;
  isSending: boolean;
}

/**
 * Where events wait, unacknowledged, while the journal cannot take them (disk full, journal full): until it can
 * again, or the control plane has them, or `maxWaitMs` is over. Bounded in entries, bytes and time, because each
 * of them holds a timer of Kong's worker.
 */
export class Holding {
  private readonly waiting = new Set<Waiting>();
  private bytes = 0;

  constructor(
    private readonly limits: HoldingLimits,
    private readonly maxWaitMs: number,
    private readonly now: () => number,
  ) {}

  get size(): number {
    return this.waiting.size;
  }

  /** Resolves when the event is safe, rejects with EventRefused when it is lost. */
  hold(payload: Buffer, cause: unknown): Promise<void> {
    if (this.waiting.size >= this.limits.maxEntries || this.bytes + payload.length > this.limits.maxBytes) {
      return Promise.reject(new EventRefused('holding_full', { cause }));
    }
    this.bytes += payload.length;
    return new Promise((resolve, reject) => {
      const entry: Waiting = {
        payload,
        since: this.now(),
        isSending: false,
        settle: () => {
          if (this.remove(entry)) resolve();
        },
        refuse: (error) => {
          if (this.remove(entry)) reject(error);
        },
      };
      this.waiting.add(entry);
    });
  }

  /** Events to send straight from memory, each handed out once. */
  next(maxEntries: number, maxBytes: number): Held[] {
    const batch: Held[] = [];
    let bytes = 0;
    for (const entry of this.waiting) {
      if (entry.isSending) continue;
      bytes += entry.payload.length;
      if (batch.length >= maxEntries || (bytes > maxBytes && batch.length > 0)) break;
      entry.isSending = true;
      batch.push(entry);
    }
    return batch;
  }

  /** All that wait, for another try at the journal. */
  all(): readonly Held[] {
    return [...this.waiting];
  }

  /** Ends the wait of those that waited too long, or of all when the process stops. */
  expire(isStopping: boolean): void {
    for (const entry of [...this.waiting]) {
      if (isStopping) entry.refuse(new EventRefused('stopped'));
      else if (this.now() - entry.since >= this.maxWaitMs) entry.refuse(new EventRefused('holding_expired'));
    }
  }

  private remove(entry: Waiting): boolean {
    if (!this.waiting.delete(entry)) return false;
    this.bytes -= entry.payload.length;
    return true;
  }
}
