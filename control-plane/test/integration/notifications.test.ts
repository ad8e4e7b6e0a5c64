import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { createNotifications } from '../../src/notifications';
import { systemClock } from '../../src/primitives/clock';
import { createIdentifierSource } from '../../src/primitives/identifiers';
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
    app = await startTestApp(opened.database, {
      configuration: { allowPrivateWebhookDestinations: true, shutdownSeconds: 0 },
    });
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

  /** A rule for nothing but the test button, with the state of its event. */
  const testRule = async (path: string, more: object = {}) => {
    const channel = await createChannel(path, more);
    const rule = await createRule([channel], [{ type: 'usage_value', value: 1 }], {
      features: undefined,
      disabled: false,
    });
    const event = await call('POST', `/rules/${rule.id}/test`, undefined, 201);
    const status = async () => (await call('GET', `/events/${event.id}`)).deliveryStatus[0];
    const reaches = (state: string) =>
      waitUntil(`${path} is ${state}`, async () => (await status()).state === state, 20_000);
    return {
      channel,
      rule,
      event,
      status,
      reaches,
      remove: () => call('DELETE', `/rules/${rule.id}`, undefined, 204),
    };
  };

  it('tries again what failed, with the same id and body, and keeps every attempt', async () => {
    let attempts = 0;
    receiver.answer('/flaky', (response) => {
      attempts += 1;
      response
        .writeHead(attempts === 1 ? 503 : 200, { 'retry-after': '1' })
        .end(attempts === 1 ? 'not now' : 'thanks');
    });
    const { status, reaches, remove } = await testRule('/flaky');
    await waitUntil('the first attempt is kept', async () => (await status()).attempts.length === 1);
    expect(await status()).toMatchObject({
      state: 'SENDING',
      reason: 'the receiver answered 503',
      nextAttempt: expect.any(String),
      attempts: [
        { state: 'FAILED', response: { statusCode: 503, body: 'not now', url: `${receiver.url}/flaky` } },
      ],
    });
    await reaches('SUCCESS');
    expect((await status()).attempts).toMatchObject([
      { response: { statusCode: 503 } },
      { state: 'SUCCESS', response: { statusCode: 200, body: 'thanks', durationMs: expect.any(Number) } },
    ]);
    expect((await status()).nextAttempt).toBeUndefined();
    const [first, second] = receiver.on('/flaky');
    expect(second!.headers['webhook-id']).toBe(first!.headers['webhook-id']);
    expect(second!.text).toBe(first!.text);
    await remove();
  });

  it('ends at 410, and sends again by hand under the same id', async () => {
    receiver.answer('/gone', (response) => response.writeHead(410).end());
    const { event, status, reaches, remove } = await testRule('/gone');
    await reaches('FAILED');
    receiver.answer('/gone', (response) => response.writeHead(204).end());
    await call('POST', `/events/${event.id}/resend`, {}, 202);
    await reaches('SUCCESS');
    expect((await status()).attempts).toHaveLength(2);
    expect(receiver.on('/gone').map(({ headers }) => headers['webhook-id'])).toEqual([event.id, event.id]);
    await call('POST', `/events/${event.id}/resend`, { channels: ['01ARZ3NDEKTSV4RRFFQ69G5FAV'] }, 400);
    await call('POST', '/events/01ARZ3NDEKTSV4RRFFQ69G5FAV/resend', {}, 404);
    await remove();
  });

  it('lets no receiver that hangs delay another one', async () => {
    receiver.answer('/hangs', () => undefined);
    const hanging = await testRule('/hangs');
    await arrived('/hangs');
    const other = await testRule('/lively');
    await other.reaches('SUCCESS');
    expect((await hanging.status()).state).toBe('SENDING');
    await hanging.remove();
    await other.remove();
  });

  it('shows the signing secret once, keeps it at a change, and never puts it anywhere else', async () => {
    const own = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
    const { channel, event, reaches, remove } = await testRule('/secret', {
      signingSecret: own,
      customHeaders: { Authorization: 'Bearer hidden-value' },
    });
    await reaches('SUCCESS');
    expect(channel.signingSecret).toBe(own);
    const body = {
      type: 'WEBHOOK',
      name: 'renamed',
      url: channel.url,
      customHeaders: { Authorization: '********' },
    };
    const replaced = await call('PUT', `/channels/${channel.id}`, body);
    expect(replaced).toMatchObject({
      name: 'renamed',
      customHeaders: { Authorization: 'Bearer hidden-value' },
    });
    const shown = [
      replaced,
      await call('GET', `/channels/${channel.id}`),
      await call('GET', '/channels'),
      await call('GET', `/events/${event.id}`),
    ];
    expect(JSON.stringify(shown)).not.toContain(own.slice(6));
    expect(JSON.stringify(shown[3])).not.toContain('hidden-value');
    await call('POST', `/events/${event.id}/resend`, {}, 202);
    await arrived('/secret', 2);
    const { text, headers } = receiver.on('/secret')[1]!;
    expect(headers.authorization).toBe('Bearer hidden-value');
    expect(new StandardWebhook(own).verify(text, headers as Record<string, string>)).toEqual(
      JSON.parse(text),
    );
    await remove();
  });

  it('hides the values of custom headers from tokens that may only read', async () => {
    const channel = await createChannel('/hidden', { customHeaders: { 'X-Webhook-Secret': 'hidden-value' } });
    const token = await (
      await app.request('POST', '/api/v1/tokens', { name: 'reader', scopes: ['read'] })
    ).json();
    const response = await fetch(`${app.url}/api/v1/notification/channels/${channel.id}`, {
      headers: { authorization: `Bearer ${(token as { token: string }).token}` },
    });
    expect(await response.json()).toMatchObject({ customHeaders: { 'X-Webhook-Secret': '********' } });
  });

  it('lists channels and rules without disabled and deleted ones, unless asked for', async () => {
    const kept = await createChannel('/kept');
    const disabled = await createChannel('/disabled', { disabled: true });
    const deleted = await createChannel('/deleted');
    const rule = await createRule([deleted], [{ type: 'usage_value', value: 1 }], { disabled: true });
    expect((await app.request('DELETE', `/api/v1/notification/channels/${deleted.id}`)).status).toBe(400);
    await call('DELETE', `/rules/${rule.id}`, undefined, 204);
    await call('DELETE', `/channels/${deleted.id}`, undefined, 204);
    const ids = async (query: string) =>
      (await call('GET', `/channels?pageSize=1000${query}`)).items.map(({ id }: { id: string }) => id);
    const wanted = [kept.id, disabled.id, deleted.id];
    const seen = async (query: string) => wanted.map((id) => ids(query).then((list) => list.includes(id)));
    expect(await Promise.all(await seen(''))).toEqual([true, false, false]);
    expect(await Promise.all(await seen('&includeDisabled=true'))).toEqual([true, true, false]);
    expect(await Promise.all(await seen('&includeDisabled=true&includeDeleted=true'))).toEqual([
      true,
      true,
      true,
    ]);
    expect(await call('GET', `/channels/${deleted.id}`)).toMatchObject({ deletedAt: expect.any(String) });
    await call('PUT', `/channels/${deleted.id}`, { type: 'WEBHOOK', name: 'x', url: receiver.url }, 400);
    const rules = await call('GET', `/rules?channel=${deleted.id}&includeDisabled=true&includeDeleted=true`);
    expect(rules).toMatchObject({
      totalCount: 1,
      page: 1,
      pageSize: 100,
      items: [{ id: rule.id, disabled: true }],
    });
  });

  it.each([
    ['no thresholds', { thresholds: [] }, '$.thresholds'],
    [
      'eleven thresholds',
      { thresholds: Array.from({ length: 11 }, () => ({ type: 'PERCENT', value: 1 })) },
      '$.thresholds',
    ],
    ['a negative threshold', { thresholds: [{ type: 'usage_value', value: -1 }] }, '$.thresholds[0].value'],
    ['an unknown feature', { features: ['no_such_feature'] }, '$.features[0]'],
    ['an unknown channel', { channels: ['01ARZ3NDEKTSV4RRFFQ69G5FAV'] }, '$.channels[0]'],
    ['no channel', { channels: [] }, '$.channels'],
    ['an unknown type', { type: 'entitlements.other' }, '$.type'],
  ])('refuses a rule with %s and names the field', async (_, more, field) => {
    const channel = await createChannel('/unused');
    const refusal = await call(
      'POST',
      '/rules',
      {
        type: 'entitlements.balance.threshold',
        name: 'refused',
        channels: [channel.id],
        thresholds: [{ type: 'usage_percentage', value: 80 }],
        ...more,
      },
      400,
    );
    expect(refusal.extensions.validationErrors[0].field).toBe(field);
  });

  it('keeps the type of a rule', async () => {
    const channel = await createChannel('/typed');
    const rule = await createRule([channel], [{ type: 'usage_value', value: 1 }], { disabled: true });
    await call(
      'PUT',
      `/rules/${rule.id}`,
      { type: 'entitlements.reset', name: 'x', channels: [channel.id] },
      400,
    );
  });

  it('sends no webhook to a private address unless the configuration allows it', async () => {
    const strict = await startTestApp(opened.database);
    try {
      const channel = { type: 'WEBHOOK', name: 'inside', url: `${receiver.url}/inside` };
      const response = await strict.request('POST', '/api/v1/notification/channels', channel);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        extensions: { validationErrors: [{ field: '$.url', code: 'destination_forbidden' }] },
      });
    } finally {
      await strict.stop();
    }
  });

  it('finds events by time, feature, subject, rule and channel', async () => {
    const customer = await entitle();
    const [one, other] = [await createChannel('/one'), await createChannel('/other')];
    const lines = [1, 2, 3].map((value) => ({ type: 'usage_value', value }));
    const rule = await createRule([one], lines, { features: [customer.featureId] });
    await createRule([other], [{ type: 'usage_value', value: 1 }], { features: [customer.featureKey] });
    await customer.use(3);
    const count = async (query: string) => (await call('GET', `/events?${query}`)).totalCount;
    const subject = `subject=${customer.subject}`;
    expect(await count(subject)).toBe(4);
    expect(await count(`${subject}&rule=${rule.id}`)).toBe(3);
    expect(await count(`${subject}&channel=${other.id}`)).toBe(1);
    expect(await count(`feature=${customer.featureKey}`)).toBe(4);
    expect(await count(`feature=${customer.featureId}&feature=unknown`)).toBe(4);
    expect(await count(`${subject}&from=${new Date(Date.now() + 60_000).toISOString()}`)).toBe(0);
    expect(await count(`${subject}&to=${new Date(Date.now() - 60_000).toISOString()}`)).toBe(0);
    await waitUntil('all are delivered', async () => (await count(`${subject}&state=SUCCESS`)) === 4);
    expect(await count(`${subject}&state=FAILED&state=PENDING`)).toBe(0);
    const page = await call(
      'GET',
      `/events?${subject}&rule=${rule.id}&page=2&pageSize=2&order=DESC&orderBy=id`,
    );
    expect(page).toMatchObject({ page: 2, pageSize: 2, totalCount: 3 });
    expect(
      page.items.map(
        (event: { payload: { data: { threshold: { value: number } } } }) =>
          event.payload.data.threshold.value,
      ),
    ).toEqual([1]);
  });

  it.each(['invoice.created', 'invoice.updated'] as const)(
    'sends an invoice as it is given for %s',
    async (type) => {
      const channel = await createChannel(`/${type}`);
      const rule = await call('POST', '/rules', { type, name: type, channels: [channel.id] }, 201);
      const stage = createNotifications({
        database: opened.database,
        clock: systemClock,
        newId: createIdentifierSource(),
        allowPrivateDestinations: true,
        stopWithinMs: 0,
        onError: () => undefined,
      });
      const invoice = { id: '01ARZ3NDEKTSV4RRFFQ69G5FAV', number: 'INV-1', totals: { total: '12.34' } };
      await opened.database.transaction((transaction) =>
        stage.recordInvoiceEvent(transaction, type, invoice, Date.now()),
      );
      await arrived(`/${type}`);
      expect(receiver.on(`/${type}`)[0]!.body).toMatchObject({ type, data: invoice });
      await call('DELETE', `/rules/${rule.id}`, undefined, 204);
    },
  );
});
