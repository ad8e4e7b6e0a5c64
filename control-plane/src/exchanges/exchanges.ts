import type { Receipt, UsageEvent } from '../events';
import type { Clock } from '../primitives/clock';
import { Refusal } from '../primitives/refusal';
import type { Database } from '../storage';
import {
  addHalf,
  countWaiting,
  type Exchange,
  findUnfinished,
  type Half,
  removeExchanges,
  removeLoneHalves,
} from './exchange-store';

/** Exchanges that wait for their other half at most. */
const waitingLimit = 100_000;
/** How long a half waits for the other. */
const waitingMs = 86_400_000;
/** An exchange that is whole for longer was left by a process that ended. */
const unfinishedMs = 60_000;
const sweepMs = 10_000;
const sweepBatch = 1_000;

export interface ExchangesOptions {
  database: Database;
  clock: Clock;
  /** Stores and counts events. */
  accept: (events: UsageEvent[]) => Promise<Receipt>;
  /** The usage event of a whole exchange: always the same one, so that telling it again counts nothing. */
  eventOf: (exchange: Exchange & { request: Half; requestAt: number; response: Half }) => UsageEvent;
  onError: (error: unknown) => void;
  /** Halves were given up because the other half did not come. */
  onExpired: (count: number) => void;
}

/**
 * Joins the two halves of a gateway's exchange, in whichever order they come and whichever replica they come to: one usage
 * event a pair. A half is answered once it is kept, the second one once the event is stored and counted.
 */
export const createExchanges = (options: ExchangesOptions) => {
  const { database, clock, accept, eventOf } = options;
  let waiting = 0;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;

  const finish = async (exchanges: readonly Exchange[]): Promise<void> => {
    const whole = exchanges.filter(isWhole);
    if (whole.length === 0) return;
    await accept(whole.map(eventOf));
    await removeExchanges(
      database,
      whole.map(({ transactionId }) => transactionId),
    );
  };

  /** One round of upkeep; any replica may do it, and several at once. */
  const sweep = async (): Promise<void> => {
    const now = clock.now();
    const expired = await removeLoneHalves(database, now - waitingMs);
    if (expired > 0) options.onExpired(expired);
    for (;;) {
      const left = await findUnfinished(database, now - unfinishedMs, sweepBatch);
      await finish(left);
      if (left.length < sweepBatch) break;
    }
    waiting = await countWaiting(database, waitingLimit + 1);
  };

  const round = (): void => {
    running ??= sweep()
      .catch(options.onError)
      .finally(() => {
        running = undefined;
      });
  };

  return {
    /** @throws Refusal `too_many_exchanges` while too many halves wait */
    add: async (transactionId: string, half: { request: Half } | { response: Half }): Promise<void> => {
      if (waiting > waitingLimit)
        throw new Refusal(
          'overloaded',
          'too_many_exchanges',
          `more than ${waitingLimit} requests and responses wait for their other half; send this one again later`,
          { retryAfterSeconds: sweepMs / 1_000 },
        );
      await finish([await addHalf(database, transactionId, half, clock.now())]);
    },
    sweep,
    start: (): void => {
      round();
      timer = setInterval(round, sweepMs);
      timer.unref();
    },
    stop: async (): Promise<void> => {
      clearInterval(timer);
      await running;
    },
  };
};

export type Exchanges = ReturnType<typeof createExchanges>;

const isWhole = (
  exchange: Exchange,
): exchange is Exchange & { request: Half; requestAt: number; response: Half } =>
  exchange.request !== null && exchange.requestAt !== null && exchange.response !== null;
