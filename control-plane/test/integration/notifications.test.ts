import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { cloudEvent } from '../support/cloud-events';
import { entitleCustomer } from '../support/entitled-customer';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver';

const monthAgo = Date.now() - 86_400_000;

describeOnEachStorage('notifications', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  let receiver: WebhookReceiver;
  let next = 0;

  beforeAll(async () => {
    opened = await storage.open();
    receiver = await startWebhookReceiver();
    app = await startTestApp(opened.database, { configuration: { allowPrivateWebhookDestinations: true } });
  });
  afterAll(async () => {
    await app.stop();
    await receiver.close();
    await opened.drop();
  });

  const call = async (method: string, path: string, body?: unknown, status = 200) => {
    const response = await app.request(method, `/api/v1/notification${path}`, body);
    const text = await response.text();
    if (response.status !== status) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  const createChannel = (path: string, more: object = {}) =>
    call('POST', '/channels', { type: 'WEBHOOK', name: path, url: `${receiver.url}${path}`, ...more }, 201);
  const createRule = (channels: { id: string }[], thresholds: object[], more: object = {}) =>
    call(
      'POST',
      '/rules',
      {
        type: 'entitlements.balance.threshold',
        name: 'a rule',
        channels: channels.map(({ id }) => id),
        thresholds,
        ...more,
      },
      201,
    );
  /** A customer of its own feature, so that the rules of other tests do not see it. */
  const entitle = async (allowance = '10') => {
    next += 1;
    const name = `feature_${next}`;
    const ids = await entitleCustomer({
      database: opened.database,
      from: monthAgo,
      subject: `subject-${next}`,
      allowance,
      featureKey: name,
    });
    return {
      ...ids,
      featureKey: name,
      subject: `subject-${next}`,
      use: async (count: number) => {
        const batch = Array.from({ length: count }, () =>
          cloudEvent({ type: name, subject: `subject-${next}` }),
        );
        const response = await app.request('POST', '/api/v1/events', batch, {
          'content-type': 'application/cloudevents-batch+json',
        });
        expect(response.status).toBe(204);
      },
    };
  };
  const arrived = (path: string, count = 1) =>
    waitUntil(`${count} webhooks on ${path}`, () => receiver.on(path).length >= count);

  it('tells a crossing at once, with a snapshot of the moment', async () => {
    const customer = await entitle();
    const channel = await createChannel('/snapshot', { customHeaders: { 'X-Webhook-Secret': 'shared' } });
    const rule = await createRule([channel], [{ type: 'usage_percentage', value: 80 }], {
      features: [customer.featureKey],
    });
    await customer.use(7);
    expect(receiver.on('/snapshot')).toEqual([]);
    await customer.use(1);
    await arrived('/snapshot');
    const [webhook] = receiver.on('/snapshot');
    expect(webhook!.headers['x-webhook-secret']).toBe('shared');
    expect(webhook!.body).toMatchObject({
      id: expect.stringMatching(/^[0-9A-Z]{26}$/),
      type: 'entitlements.balance.threshold',
      timestamp: expect.any(String),
      data: {
        rule: { id: rule.id, name: 'a rule' },
        threshold: { type: 'usage_percentage', value: 80 },
        value: { hasAccess: true, usage: 8, balance: 2, overage: 0, totalAvailableGrantAmount: 10 },
        subject: { key: customer.subject },
        customer: { id: customer.customerId, key: customer.subject },
        feature: { id: customer.featureId, key: customer.featureKey, meterSlug: customer.featureKey },
        entitlement: { id: customer.entitlementId, type: 'metered', subjectKey: customer.subject },
      },
    });
    const event = await call('GET', `/events/${webhook!.body.id}`);
    await waitUntil('delivered', async () => {
      const { deliveryStatus } = await call('GET', `/events/${webhook!.body.id}`);
      return deliveryStatus[0].state === 'SUCCESS' && deliveryStatus[0].attempts.length === 1;
    });
    expect(event).toMatchObject({ payload: webhook!.body, rule: { id: rule.id } });
  });

  it('signs so that the official standardwebhooks and svix packages accept it, and no other secret does', async () => {
    const channel = await createChannel('/signed');
    const rule = await createRule([channel], [{ type: 'usage_value', value: 1 }], {});
    await call('POST', `/rules/${rule.id}/test`, undefined, 201);
    await arrived('/signed');
    const { text } = receiver.on('/signed')[0]!;
    const headers = receiver.on('/signed')[0]!.headers as Record<string, string>;
    expect(new StandardWebhook(channel.signingSecret).verify(text, headers)).toEqual(JSON.parse(text));
    expect(new SvixWebhook(channel.signingSecret).verify(text, headers)).toEqual(JSON.parse(text));
    const other = new StandardWebhook(`whsec_${Buffer.alloc(32).toString('base64')}`);
    expect(() => other.verify(text, headers)).toThrow();
    await call('DELETE', `/rules/${rule.id}`, undefined, 204);
  });
});
