import { createNotifications, type Notifications } from '../../src/notifications';
import { systemClock } from '../../src/primitives/clock';
import { createIdentifierSource } from '../../src/primitives/identifiers';
import type { FactRecorder } from '../../src/thresholds';
import { cloudEvent } from '../support/cloud-events';
import { entitleCustomer, grantTo, settleWith } from '../support/entitled-customer';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver';

const from = Date.now() - 86_400_000;
const dayMs = 86_400_000;

interface ToldEvent {
  type: string;
  payload: {
    timestamp: string;
    data: { threshold: { type: string; value: number }; value: { usage: number; hasAccess: boolean } };
  };
}

describeOnEachStorage('thresholds', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  let receiver: WebhookReceiver;
  /** A second replica's stage, which is not started: it only records. */
  let notifications: Notifications;
  let channelId: string;
  let next = 0;

  beforeAll(async () => {
    opened = await storage.open();
    receiver = await startWebhookReceiver();
    app = await startTestApp(opened.database, {
      configuration: { allowPrivateWebhookDestinations: true, shutdownSeconds: 0 },
    });
    notifications = createNotifications({
      database: opened.database,
      clock: systemClock,
      newId: createIdentifierSource(),
      allowPrivateDestinations: true,
      stopWithinMs: 0,
      onError: (error) => {
        throw error;
      },
    });
    const channel = await call('POST', '/channels', { type: 'WEBHOOK', name: 'all', url: receiver.url });
    channelId = channel.id;
  });
  afterAll(async () => {
    await app.stop();
    await receiver.close();
    await opened.drop();
  });

  const call = async (method: string, path: string, body?: unknown) => {
    const response = await app.request(method, `/api/v1/notification${path}`, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  /** A customer with a feature of its own, and a rule for it. */
  const setUp = async (lines: string[], options: Partial<Parameters<typeof entitleCustomer>[0]> = {}) => {
    next += 1;
    const key = `threshold_${next}`;
    const { database } = opened;
    const ids = await entitleCustomer({
      database,
      from,
      subject: key,
      allowance: '10',
      featureKey: key,
      ...options,
    });
    const ruleBody = {
      type: 'entitlements.balance.threshold',
      name: key,
      channels: [channelId],
      features: [key],
      thresholds: lines.map((line) => ({ type: line.split(':')[0], value: Number(line.split(':')[1]) })),
    };
    const rule = await call('POST', '/rules', ruleBody);
    const send = async (batch: unknown[]) => {
      const response = await app.request('POST', '/api/v1/events', batch, {
        'content-type': 'application/cloudevents-batch+json',
      });
      expect(response.status).toBe(204);
    };
    return {
      ...ids,
      key,
      rule,
      ruleBody,
      use: (count: number) =>
        send(Array.from({ length: count }, () => cloudEvent({ type: key, subject: key }))),
      report: (value: number) => send([cloudEvent({ type: key, subject: key, data: { value } })]),
      settle: (
        cause: string,
        now: number,
        changedFrom = now,
        recorders: FactRecorder[] = [notifications.record],
      ) =>
        database.transaction((transaction) =>
          settleWith(recorders)(transaction, [{ entitlementId: ids.entitlementId, changedFrom }], cause, now),
        ),
      events: async (): Promise<ToldEvent[]> => (await call('GET', `/events?subject=${key}`)).items,
      /** "<type>:<value> at <usage>" of every crossing told, in their order. */
      told: async (): Promise<string[]> =>
        (await call('GET', `/events?subject=${key}`)).items
          .filter(({ type }: ToldEvent) => type === 'entitlements.balance.threshold')
          .map(
            ({ payload: { data } }: ToldEvent) =>
              `${data.threshold.type}:${data.threshold.value} at ${data.value.usage}`,
          ),
    };
  };

  it('are reached at exactly their value, the moment access ends for 100 %', async () => {
    const customer = await setUp(['usage_percentage:100', 'balance_value:0', 'usage_value:10']);
    await customer.use(9);
    expect(await customer.told()).toEqual([]);
    await customer.use(1);
    expect((await customer.told()).sort()).toEqual([
      'balance_value:0 at 10',
      'usage_percentage:100 at 10',
      'usage_value:10 at 10',
    ]);
    expect((await customer.events())[0]!.payload.data.value.hasAccess).toBe(false);
  });

  it('are all told after a jump, in the order in which usage reached them', async () => {
    const customer = await setUp(['PERCENT:100', 'usage_percentage:50', 'NUMBER:3', 'balance_value:2']);
    await customer.use(11);
    expect(await customer.told()).toEqual([
      'NUMBER:3 at 11',
      'usage_percentage:50 at 11',
      'balance_value:2 at 11',
      'PERCENT:100 at 11',
    ]);
  });

  it('are told once a period and rule, whatever comes after', async () => {
    const customer = await setUp(['usage_percentage:50']);
    const other = await call('POST', '/rules', { ...customer.ruleBody, name: 'other' });
    await customer.use(6);
    await customer.use(1);
    await customer.use(20);
    const ruleIds = (await call('GET', `/events?subject=${customer.key}`)).items.map(
      ({ rule }: { rule: { id: string } }) => rule.id,
    );
    expect(ruleIds.sort()).toEqual([customer.rule.id, other.id].sort());
  });

  it('are told once however many requests reach them at the same time', async () => {
    const customer = await setUp([
      'usage_value:1',
      'usage_value:25',
      'usage_value:50',
      'usage_percentage:100',
    ]);
    await Promise.all(Array.from({ length: 60 }, () => customer.use(1)));
    const lines = (await customer.told()).map((text) => text.split(' ')[0]);
    expect(lines.sort()).toEqual([
      'usage_percentage:100',
      'usage_value:1',
      'usage_value:25',
      'usage_value:50',
    ]);
  });

  it('are armed again by a larger allowance, those of plain usage not', async () => {
    const customer = await setUp(['usage_percentage:80', 'usage_value:8']);
    await customer.use(8);
    expect(await customer.told()).toHaveLength(2);
    await opened.database.transaction((transaction) =>
      grantTo(transaction, customer.entitlementId, '10', from),
    );
    await customer.settle('grant', Date.now(), from);
    await customer.use(7);
    expect(await customer.told()).toHaveLength(2);
    await customer.use(1);
    expect((await customer.told()).slice(2)).toEqual(['usage_percentage:80 at 16']);
  });

  it('are armed again by a reset, which is told itself, once', async () => {
    const customer = await setUp(['usage_percentage:80', 'usage_value:8']);
    const reset = await call('POST', '/rules', {
      type: 'entitlements.reset',
      name: 'reset',
      channels: [channelId],
      features: [customer.key],
    });
    await customer.use(9);
    const at = Date.now() - 1_000;
    await opened.database.query(
      `INSERT INTO entitlement_reset (entitlement_id, at, anchor, preserve_overage, created_at) VALUES ($1, $2, $2, false, $2)`,
      [customer.entitlementId, at],
    );
    await customer.settle('reset', Date.now(), at);
    await customer.settle('look again', Date.now(), at);
    const told = (await customer.events()).filter(({ type }) => type === 'entitlements.reset');
    expect(told).toHaveLength(1);
    const usageSince = told[0]!.payload.data.value.usage;
    expect(told[0]!.payload).toMatchObject({
      timestamp: new Date(at).toISOString(),
      data: {
        rule: { id: reset.id },
        value: { hasAccess: true },
        entitlement: { lastReset: new Date(at).toISOString() },
      },
    });
    await customer.use(9 - usageSince);
    expect(await customer.told()).toEqual([
      'usage_percentage:80 at 9',
      'usage_value:8 at 9',
      'usage_percentage:80 at 9',
      'usage_value:8 at 9',
    ]);
    await call('DELETE', `/rules/${reset.id}`);
  });

  it('a scheduled reset is told like one by hand; of several missed ones, the newest', async () => {
    const customer = await setUp(['usage_value:1'], { interval: 'P1D', from: Date.now() - dayMs / 2 });
    const reset = await call('POST', '/rules', {
      type: 'entitlements.reset',
      name: 'all',
      channels: [channelId],
    });
    const threeDaysOn = Date.now() + 3 * dayMs;
    await customer.settle('due', threeDaysOn);
    await customer.settle('due', threeDaysOn + 1);
    const told = (await customer.events()).filter(({ type }) => type === 'entitlements.reset');
    expect(told).toHaveLength(1);
    expect(threeDaysOn - Date.parse(told[0]!.payload.timestamp)).toBeLessThan(dayMs);
    await call('DELETE', `/rules/${reset.id}`);
  });

  it('a level that teeters on a line is told once', async () => {
    const customer = await setUp(['usage_percentage:80'], { aggregation: 'LATEST' });
    for (const level of [7, 8, 7, 8, 9, 3, 8, 10, 7.9, 8]) await customer.report(level);
    expect(await customer.told()).toEqual(['usage_percentage:80 at 8']);
  });

  it('follow their rule: disabled, changed, deleted', async () => {
    const customer = await setUp(['usage_value:3']);
    const put = (more: object) =>
      call('PUT', `/rules/${customer.rule.id}`, { ...customer.ruleBody, ...more });
    await put({ disabled: true });
    await customer.use(4);
    expect(await customer.told()).toEqual([]);
    await put({ thresholds: [{ type: 'usage_value', value: 6 }] });
    await customer.use(1);
    expect(await customer.told()).toEqual([]);
    await customer.use(1);
    expect(await customer.told()).toEqual(['usage_value:6 at 6']);
    await put({ thresholds: [{ type: 'usage_value', value: 7 }] });
    await call('DELETE', `/rules/${customer.rule.id}`);
    await customer.use(5);
    expect(await customer.told()).toEqual(['usage_value:6 at 6']);
  });

  it('are not reached by an entitlement that is only planned, nor by one that has ended', async () => {
    const customer = await setUp(['usage_value:0', 'balance_value:100'], { activeFrom: Date.now() + dayMs });
    await customer.settle('look', Date.now(), from);
    expect(await customer.told()).toEqual([]);
    const ended = await setUp(['usage_value:5']);
    await ended.use(4);
    await opened.database.query('UPDATE entitlement SET active_to = $2, deleted_at = $2 WHERE id = $1', [
      ended.entitlementId,
      Date.now() - 1,
    ]);
    await ended.use(4);
    await ended.settle('ended', Date.now(), from);
    expect(await ended.told()).toEqual([]);
  });

  it('are recorded with what follows from them, or not at all', async () => {
    const customer = await setUp(['usage_value:5']);
    await call('PUT', `/rules/${customer.rule.id}`, { ...customer.ruleBody, disabled: true });
    await customer.use(6);
    await call('PUT', `/rules/${customer.rule.id}`, customer.ruleBody);
    const failing: FactRecorder = async () => {
      throw new Error('the stage after it failed');
    };
    await expect(customer.settle('look', Date.now(), from, [notifications.record, failing])).rejects.toThrow(
      'the stage after it failed',
    );
    expect(await customer.told()).toEqual([]);
    await customer.settle('look', Date.now(), from);
    expect(await customer.told()).toEqual(['usage_value:5 at 6']);
  });
});
