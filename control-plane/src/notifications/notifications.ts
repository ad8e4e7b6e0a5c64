import { randomBytes } from 'node:crypto';
import type { Clock } from '../primitives/clock';
import type { IdentifierSource } from '../primitives/identifiers';
import type { Database, Transaction } from '../storage';
import { type Channels, createChannels } from './channels';
import { createDeliveryWorker, type DeliveryWorker } from './delivery/delivery-worker';
import { createWebhookSender } from './delivery/send-webhook';
import { createEvents, type Events } from './events';
import { createNotificationRecorder, type NotificationRecorder } from './notification-recorder';
import { createRules, type Rules } from './rules';

/** A receiver has this long for its whole answer. */
const timeoutMs = 10_000;
/** What a crashed worker had taken is due again after this long: the timeout, and time to write the result. */
const leaseMs = 20_000;
const sweepMs = 1_000;
/** Of an answer's body, what is kept of each attempt. */
const maximumAnswerBytes = 2_048;
/** The channel of NOTIFY on which replicas wake each other. */
const wakeChannel = 'tollgate_deliveries';
/** NOTIFY takes payloads of less than 8,000 bytes; a longer list becomes "look at all". */
const maximumWakeBytes = 7_000;

export interface NotificationsOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
  allowPrivateDestinations: boolean;
  /** How long stopping waits for deliveries under way. */
  stopWithinMs: number;
  /** A failure of our own, never of a receiver. */
  onError: (error: unknown, doing: string) => void;
  /** Is told of every attempt to deliver. */
  onAttempt?: (attempt: { isSuccess: boolean; ms: number }) => void;
}

/** The stage: what is administered, what records facts, and the work beside requests. */
export interface Notifications {
  channels: Channels;
  rules: Rules;
  events: Events;
  record: NotificationRecorder['record'];
  recordInvoiceEvent: NotificationRecorder['recordInvoiceEvent'];
  recordMeterReport: NotificationRecorder['recordMeterReport'];
  start(): void;
  stop(): Promise<void>;
}

export const createNotifications = (options: NotificationsOptions): Notifications => {
  const { database, clock, newId, allowPrivateDestinations, onError } = options;
  const worker = createDeliveryWorker({
    database,
    clock,
    sender: createWebhookSender({
      allowPrivateDestinations,
      timeoutMs,
      maximumBodyBytes: maximumAnswerBytes,
    }),
    random: Math.random,
    monotonicNow: () => performance.now(),
    leaseMs,
    sweepMs,
    stopWithinMs: options.stopWithinMs,
    onError,
    onAttempt: options.onAttempt,
  });
  const wakeUps = createWakeUps(database, worker, onError);
  const recorder = createNotificationRecorder({ newId, announce: wakeUps.announce });
  return {
    channels: createChannels({ database, clock, newId, allowPrivateDestinations }),
    rules: createRules({ database, clock, newId }),
    events: createEvents({ database, clock, newId, recorder, announce: wakeUps.announce }),
    record: recorder.record,
    recordInvoiceEvent: recorder.recordInvoiceEvent,
    recordMeterReport: recorder.recordMeterReport,
    start: () => {
      worker.start();
      wakeUps.start();
    },
    stop: async () => {
      await wakeUps.stop();
      await worker.stop();
    },
  };
};

/**
 * Wakes the worker of this process right after COMMIT, and those of other replicas by NOTIFY, which the server sends with
 * the COMMIT. Both may be lost; the sweep finds what they should have told.
 */
const createWakeUps = (
  database: Database,
  worker: DeliveryWorker,
  onError: NotificationsOptions['onError'],
) => {
  const replica = randomBytes(6).toString('hex');
  let listening: Promise<(() => Promise<void>) | undefined> = Promise.resolve(undefined);

  const heard = (payload: string): void => {
    const [sender, ...channelIds] = payload.split(' ');
    if (sender !== replica) worker.wake(channelIds[0] === '*' ? undefined : channelIds);
  };

  return {
    announce: async (transaction: Transaction, channelIds: readonly string[]): Promise<void> => {
      transaction.afterCommit(() => worker.wake(channelIds));
      if (database.kind === 'pglite') return;
      const list = `${replica} ${channelIds.join(' ')}`;
      await transaction.query('SELECT pg_notify($1, $2)', [
        wakeChannel,
        list.length <= maximumWakeBytes ? list : `${replica} *`,
      ]);
    },
    start: (): void => {
      if (database.kind === 'pglite') return;
      listening = database.listen(wakeChannel, heard).catch((error: unknown) => {
        onError(error, 'listening for deliveries of other replicas');
        return undefined;
      });
    },
    stop: async (): Promise<void> => {
      const unlisten = await listening;
      await unlisten?.();
    },
  };
};
