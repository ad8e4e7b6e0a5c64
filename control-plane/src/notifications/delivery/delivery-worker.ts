import type { Clock } from '../../primitives/clock';
import type { Database } from '../../storage';
import {
  dueChannels,
  endLeases,
  type FinishedDelivery,
  finishDeliveries,
  releaseDeliveries,
  type TakenDelivery,
  takeDeliveries,
} from './delivery-store';
import { createLanes } from './lanes';
import { decide } from './retry-schedule';
import type { WebhookSender } from './send-webhook';
import { signatureHeaders } from './signature';

/** Deliveries of one take, and results of one write, at most. */
const lanesPerTake = 500;
/** Channels that one sweep finds at most; the next sweep finds the others. */
const channelsPerSweep = 2_000;
/** A receiver that answers gets up to 64 at once: a backlog of thousands is gone in seconds. */
const defaultLimits = { total: 1_000, probation: 800, lane: 64 };
/** Results that wait to be written at most; beyond it nothing more is taken. */
const maximumUnwritten = 2_000;
const embeddedPauseMs = 5;
/** The pauses between attempts to write results, milliseconds; after the last one the lease runs out instead. */
const writePausesMs = [50, 200, 1_000, 2_000];

export interface DeliveryWorkerOptions {
  database: Database;
  sender: WebhookSender;
  clock: Clock;
  /** Milliseconds that only grow, for the rests of failing lanes. */
  monotonicNow: () => number;
  /** A number in [0, 1), for the jitter of retries. */
  random: () => number;
  /** How long a taken delivery is this worker's; longer than the sender's timeout and the writing of its result. */
  leaseMs: number;
  /** How often the table is looked through for what no wake-up told of: retries, and what a crash left behind. */
  sweepMs: number;
  /** How long stopping waits for deliveries under way. */
  stopWithinMs: number;
  limits?: { total: number; probation: number; lane: number };
  /** A failure of the worker's own, never of a receiver. */
  onError: (error: unknown, doing: string) => void;
  onAttempt?: ((attempt: { isSuccess: boolean; ms: number }) => void) | undefined;
}

/** Work that goes on beside requests, woken when there are new deliveries. */
export interface DeliveryWorker {
  start(): void;
  stop(): Promise<void>;
  /** Deliveries for these channels were committed; undefined for "some". */
  wake(channelIds: readonly string[] | undefined): void;
}

/**
 * Works off the table of deliveries: takes what is due, sends it, writes how it ended. It keeps no truth in memory, so
 * any number of replicas work side by side, and what a crashed one had taken is due again when its lease ends, under the
 * same webhook-id.
 */
export const createDeliveryWorker = (options: DeliveryWorkerOptions): DeliveryWorker => {
  const { database, sender, clock } = options;
  const lanes = createLanes(options.limits ?? defaultLimits);
  const underWay = new Set<TakenDelivery>();
  let results: FinishedDelivery[] = [];
  let pumping: Promise<void> | undefined;
  let writing: Promise<void> | undefined;
  let sweepTimer: NodeJS.Timeout | undefined;
  let isSweepWanted = false;
  let isRunning = false;
  let isPumpWanted = false;
  // The embedded database has one process: leases that it finds at its start are those of a process that is gone.
  let isAlone = database.kind === 'pglite';
  let hasReleased = false;
  let idle: (() => void) | undefined;

  /**
   * Lets what is ready at the same time come together before a statement. The embedded database works in this thread and
   * answers before any socket is looked at again, so that without a pause every result would be a statement of its own.
   */
  const gather = (): Promise<void> =>
    new Promise((resolve) => {
      if (database.kind === 'pglite') setTimeout(resolve, embeddedPauseMs);
      else setImmediate(resolve);
    });

  const pump = (): void => {
    isPumpWanted = true;
    if (!isRunning || pumping) return;
    isPumpWanted = false;
    pumping = gather()
      .then(takeAll)
      .catch((error: unknown) => options.onError(error, 'taking deliveries'))
      .finally(() => {
        pumping = undefined;
        // A wake-up that came while the last look at the table was ending.
        if (isPumpWanted) pump();
      });
  };

  const takeAll = async (): Promise<void> => {
    if (isAlone) {
      isAlone = false;
      await endLeases(database, clock.now());
    }
    for (; isRunning && results.length < maximumUnwritten; await gather()) {
      if (isSweepWanted) {
        isSweepWanted = false;
        lanes.want(await dueChannels(database, clock.now(), channelsPerSweep));
      }
      const claims = lanes.claim(lanesPerTake, options.monotonicNow());
      if (claims.length > 0) await takeClaimed(claims);
      else if (!isSweepWanted) return;
    }
  };

  const takeClaimed = async (claims: { channelId: string; slots: number }[]): Promise<void> => {
    const now = clock.now();
    const taken = await takeDeliveries(database, claims, now, now + options.leaseMs).catch(
      (error: unknown) => {
        for (const { channelId, slots } of claims) lanes.settle(channelId, slots, 0);
        throw error;
      },
    );
    const counts = new Map<string, number>();
    for (const { channelId } of taken) counts.set(channelId, (counts.get(channelId) ?? 0) + 1);
    for (const { channelId, slots } of claims) lanes.settle(channelId, slots, counts.get(channelId) ?? 0);
    for (const delivery of taken) {
      underWay.add(delivery);
      deliver(delivery).then(report);
    }
  };

  const deliver = async (delivery: TakenDelivery): Promise<FinishedDelivery> => {
    if (!delivery.isOpen) {
      return { delivery, state: 'FAILED', reason: 'the channel is disabled or deleted', dueAt: null };
    }
    const at = clock.now();
    const outcome = await sender.send({
      url: delivery.url,
      body: delivery.payload,
      headers: {
        ...delivery.customHeaders,
        'content-type': 'application/json',
        'user-agent': 'Tollgate-Webhooks/1.0',
        ...signatureHeaders(delivery.signingSecret, delivery.eventId, at, delivery.payload),
      },
    });
    const decision = decide(outcome, delivery.tries, delivery.isResend, clock.now(), options.random());
    const { statusCode, body, durationMs } = outcome;
    options.onAttempt?.({ isSuccess: decision.state === 'SUCCESS', ms: durationMs });
    return {
      delivery,
      ...decision,
      attempt: { isSuccess: decision.state === 'SUCCESS', statusCode, body, durationMs, at },
    };
  };

  const report = (finished: FinishedDelivery): void => {
    // What was given back is another worker's.
    if (hasReleased) return;
    results.push(finished);
    lanes.finish(finished.delivery.channelId, finished.state === 'SUCCESS', options.monotonicNow());
    pump();
    writing ??= gather()
      .then(writeAll)
      .finally(() => {
        writing = undefined;
      });
  };

  /** Results that arrive while others are being written go together into the next write. */
  const writeAll = async (): Promise<void> => {
    for (; results.length > 0; await gather()) {
      const batch = results;
      results = [];
      await writeResults(batch);
      for (const { delivery } of batch) underWay.delete(delivery);
      if (underWay.size === 0) idle?.();
      pump();
    }
  };

  const writeResults = async (batch: readonly FinishedDelivery[]): Promise<void> => {
    for (const pauseMs of [...writePausesMs, undefined]) {
      try {
        return await finishDeliveries(database, batch, clock.now());
      } catch (error) {
        options.onError(error, 'writing how deliveries ended');
        if (pauseMs === undefined) return;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  };

  const sweep = (): void => {
    isSweepWanted = true;
    pump();
  };

  return {
    start: () => {
      isRunning = true;
      sweepTimer = setInterval(sweep, options.sweepMs);
      sweep();
    },
    wake: (channelIds) => {
      if (channelIds) {
        lanes.want(channelIds);
        pump();
      } else sweep();
    },
    stop: async () => {
      isRunning = false;
      clearInterval(sweepTimer);
      await pumping;
      if (underWay.size > 0) await ended(options.stopWithinMs);
      hasReleased = true;
      await writing;
      await releaseDeliveries(database, [...underWay], clock.now());
      sender.close();
    },
  };

  /** Waits until nothing is under way, at most so long. */
  function ended(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const limit = setTimeout(resolve, withinMs);
      idle = () => {
        clearTimeout(limit);
        resolve();
      };
    });
  }
};
