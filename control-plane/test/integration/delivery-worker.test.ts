import { createNotifications, type Notifications } from '../../src/notifications';
import { finishDeliveries, takeDeliveries } from '../../src/notifications/delivery/delivery-store';
import { createDeliveryWorker, type DeliveryWorker } from '../../src/notifications/delivery/delivery-worker';
import type { WebhookRequest, WebhookSender } from '../../src/notifications/delivery/send-webhook';
import { createIdentifierSource } from '../../src/primitives/identifiers';
import { ManualClock } from '../support/manual-clock';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { waitUntil } from '../support/wait-until';

const leaseMs = 20_000;

describeOnEachStorage('delivery workers', (storage) => {
  let opened: TestDatabase;
  let notifications: Notifications;
  const clock = new ManualClock(Date.now());
  const workers: DeliveryWorker[] = [];
  const errors: unknown[] = [];

  beforeAll(async () => {
    opened = await storage.open();
    notifications = createNotifications({
      database: opened.database,
      clock,
      newId: createIdentifierSource(clock),
      allowPrivateDestinations: true,
      stopWithinMs: 0,
      onError: (error) => errors.push(error),
    });
  });
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.stop()));
    expect(errors).toEqual([]);
  });
  afterAll(() => opened.drop());

  const start = (send: (request: WebhookRequest) => Promise<number>): DeliveryWorker => {
    const sender: WebhookSender = {
      send: async (request) => ({ statusCode: await send(request), body: '', durationMs: 1 }),
      close: () => undefined,
    };
    const worker = createDeliveryWorker({
      database: opened.database,
      sender,
      clock,
      random: () => 0.5,
      monotonicNow: () => clock.now(),
      leaseMs,
      sweepMs: 20,
      stopWithinMs: 0,
      onError: (error) => errors.push(error),
    });
    workers.push(worker);
    worker.start();
    return worker;
  };
  const channel = () =>
    notifications.channels.create({
      name: 'a',
      url: 'https://receiver.example',
      customHeaders: {},
      signingSecret: undefined,
      isDisabled: false,
      metadata: {},
    });
  /** Events that nobody is woken for. */
  const tell = async (channelId: string, count: number): Promise<string[]> => {
    const rule = await notifications.rules.create({
      type: 'invoice.created',
      name: 'a',
      isDisabled: false,
      thresholds: null,
      features: null,
      channels: [channelId],
      metadata: {},
    });
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) ids.push((await notifications.events.test(rule.id)).id);
    await notifications.rules.remove(rule.id);
    return ids;
  };
  const stateOf = async (id: string) => (await notifications.events.get(id)).deliveries[0]!;
  const delivered = (ids: readonly string[]) =>
    waitUntil('all are delivered', async () => {
      for (const id of ids) if ((await stateOf(id)).state !== 'SUCCESS') return false;
      return true;
    });

  it('of several replicas send each delivery once', async () => {
    const ids = await tell((await channel()).id, 40);
    const sent: string[] = [];
    const send = async ({ headers }: WebhookRequest) => {
      sent.push(headers['webhook-id']!);
      return 204;
    };
    // An embedded database has one process.
    for (let replica = 0; replica < (storage.kind === 'pglite' ? 1 : 3); replica += 1) start(send);
    await delivered(ids);
    expect(sent.sort()).toEqual([...ids].sort());
  });

  it('take up what a crashed one had taken when its lease ends, and its late result changes nothing', async () => {
    const { id: channelId } = await channel();
    const [id] = await tell(channelId, 1);
    const now = clock.now();
    const [taken] = await takeDeliveries(opened.database, [{ channelId, slots: 1 }], now, now + leaseMs);
    expect(taken).toMatchObject({ eventId: id, takes: 1 });
    const again = { channelId, slots: 1 };
    expect(await takeDeliveries(opened.database, [again], now + leaseMs - 1, now + 2 * leaseMs)).toEqual([]);
    clock.advance(leaseMs);
    const sent: string[] = [];
    start(async ({ headers }) => {
      sent.push(headers['webhook-id']!);
      return 200;
    });
    await delivered([id!]);
    expect(sent).toEqual([id]);
    const late = { delivery: taken!, state: 'SENDING', reason: 'late', dueAt: clock.now() };
    await finishDeliveries(opened.database, [late], clock.now());
    expect((await stateOf(id!)).state).toBe('SUCCESS');
  });

  it('give back what is under way when they stop', async () => {
    const [id] = await tell((await channel()).id, 1);
    let begun = false;
    const worker = start(() => {
      begun = true;
      return new Promise(() => undefined);
    });
    await waitUntil('it is under way', () => begun);
    await worker.stop();
    const sent: string[] = [];
    start(async ({ headers }) => {
      sent.push(headers['webhook-id']!);
      return 200;
    });
    await delivered([id!]);
    expect(sent).toEqual([id]);
  });

  it('send nothing over a channel that was disabled meanwhile, and say so', async () => {
    const { id: channelId, ...input } = await channel();
    const [id] = await tell(channelId, 1);
    await notifications.channels.replace(channelId, { ...input, signingSecret: undefined, isDisabled: true });
    let sent = 0;
    start(async () => {
      sent += 1;
      return 200;
    });
    await waitUntil('it failed', async () => (await stateOf(id!)).state === 'FAILED');
    expect(await stateOf(id!)).toMatchObject({ reason: 'the channel is disabled or deleted', attempts: [] });
    expect(sent).toBe(0);
  });

  it('follow the retry schedule to its end', async () => {
    const [id] = await tell((await channel()).id, 1);
    start(async () => 500);
    for (let attempts = 1; attempts <= 10; attempts += 1) {
      await waitUntil(
        `attempt ${attempts}`,
        async () => (await stateOf(id!)).attempts.length === attempts,
        20_000,
      );
      const { nextAttemptAt } = await stateOf(id!);
      if (nextAttemptAt !== null) clock.set(nextAttemptAt);
    }
    expect(await stateOf(id!)).toMatchObject({
      state: 'FAILED',
      reason: 'the receiver answered 500; given up after 10 attempts',
      nextAttemptAt: null,
    });
  });
});
