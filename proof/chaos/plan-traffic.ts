import type { SeededRandom } from '../support/random';
import type { ServedRequest } from './kong-feed';
import type { ChaosConsumer } from './set-up';

/** Of all consumers, the share that uses up its allowance. */
const exhaustedShare = 0.5;
/** The part of the run that waits until the last kill is over, so that every kill meets traffic. */
const heldBackShare = 0.02;

/** Shares the events out over consumers, and gives half of them less than they will use. */
export const planConsumers = (count: number, events: number, random: SeededRandom): ChaosConsumer[] => {
  const weights = Array.from({ length: count }, () => 0.5 + random.next());
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let left = events;
  return weights.map((weight, index) => {
    const own = index === count - 1 ? left : Math.floor((events * weight) / total);
    left -= own;
    const isExhausted = random.next() < exhaustedShare;
    const allowance = Math.max(
      1,
      Math.floor(own * (isExhausted ? 0.3 + 0.6 * random.next() : 1.2 + random.next())),
    );
    return { name: `consumer-${String(index).padStart(4, '0')}`, allowance, events: own };
  });
};

/** The requests of a run, paced, and how far they have come. */
export interface Traffic {
  /** The next request of a gateway, undefined after the last one or once the run is given up. */
  next(gateway: number): Promise<ServedRequest | undefined>;
  acknowledge(): void;
  acknowledged(): number;
  acknowledgedReaches(count: number): Promise<void>;
  /** Lets the last part go. */
  release(): void;
}

/** @param rate requests a second, all gateways together */
export const createTraffic = (
  consumers: readonly ChaosConsumer[],
  rate: number,
  random: SeededRandom,
  signal: AbortSignal,
): Traffic => {
  const left = consumers.map(({ events }) => events);
  const total = left.reduce((sum, events) => sum + events, 0);
  const run = Math.floor(random.next() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
  let sent = 0;
  let acknowledged = 0;
  let limit = Math.floor(total * (1 - heldBackShare));
  let begun: number | undefined;
  const waiting: { count: number; resolve: () => void }[] = [];

  /** Any consumer that has requests left; the one at a random place, or the next after it. */
  const pick = (): string => {
    let index = random.below(consumers.length);
    while (left[index] === 0) index = (index + 1) % consumers.length;
    left[index]! -= 1;
    return consumers[index]!.name;
  };

  return {
    next: async () => {
      begun ??= performance.now();
      while (sent < total && !signal.aborted) {
        const due = Math.min(limit, Math.floor(((performance.now() - begun) * rate) / 1_000));
        if (sent < due) {
          sent += 1;
          return { id: `${run}${String(sent).padStart(24, '0')}`, consumer: pick() };
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return undefined;
    },
    acknowledge: () => {
      acknowledged += 1;
      while (waiting[0] && waiting[0].count <= acknowledged) waiting.shift()!.resolve();
    },
    acknowledged: () => acknowledged,
    acknowledgedReaches: (count) =>
      acknowledged >= count ? Promise.resolve() : new Promise((resolve) => waiting.push({ count, resolve })),
    release: () => {
      limit = total;
    },
  };
};
