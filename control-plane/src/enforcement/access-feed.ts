import type { Database } from '../storage';
import { type AccessLogEntry, logChannel, readLogAfter, readLogEntries } from './log-store';

/** Takes new entries of the log, in the order in which they were heard of. */
export type AccessListener = (entries: readonly AccessLogEntry[]) => void;

/** Entries that a listener is given of the time before it began to listen, at most. */
const catchUpLimit = 1_000;

/** Passes the log's new entries on to listeners, whichever replica wrote them. */
export class AccessFeed {
  private readonly listeners = new Set<AccessListener>();
  private readonly endings = new Set<() => void>();
  private unlisten: Promise<(() => Promise<void>) | undefined> | undefined;

  constructor(
    private readonly database: Database,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    this.unlisten = this.database
      .listen(logChannel, (payload) => {
        if (this.listeners.size > 0) this.pass(payload.split(' ')).catch(this.onError);
      })
      .catch((error: unknown) => {
        this.onError(error);
        return undefined;
      });
  }

  /** Ends all listening. */
  async stop(): Promise<void> {
    for (const end of this.endings) end();
    await (await this.unlisten)?.();
  }

  get size(): number {
    return this.listeners.size;
  }

  /**
   * Begins to listen; entries after the entry `after` are given first.
   * @param ended is called when the feed stops
   * @returns the way to end it
   */
  async listen(after: string | undefined, listener: AccessListener, ended: () => void): Promise<() => void> {
    // What comes while the past is read waits behind it.
    const waiting: AccessLogEntry[] = [];
    let isReading = true;
    const relay: AccessListener = (entries) => {
      if (isReading) waiting.push(...entries);
      else listener(entries);
    };
    this.listeners.add(relay);
    this.endings.add(ended);
    const end = () => {
      this.listeners.delete(relay);
      this.endings.delete(ended);
    };
    try {
      const past = after === undefined ? [] : await readLogAfter(this.database, after, catchUpLimit);
      const known = new Set(past.map(({ id }) => id));
      listener([...past, ...waiting.filter(({ id }) => !known.has(id))]);
      isReading = false;
      return end;
    } catch (error) {
      end();
      throw error;
    }
  }

  private async pass(ids: readonly string[]): Promise<void> {
    const entries = await readLogEntries(this.database, ids);
    for (const listener of this.listeners) listener(entries);
  }
}
