import { cloudEvent } from '../support/cloud-events';
import { ManualClock } from '../support/manual-clock';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver';

// biome-ignore lint/suspicious/noExplicitAny: answers are held against their schemas by the app under test
type Answer = any;

describeOnEachStorage('invoices', (storage) => {
  const clock = new ManualClock('2026-03-01T00:00:00Z');
  let opened: TestDatabase;
  let app: TestApp;
  let receiver: WebhookReceiver;

  beforeAll(async () => {
    opened = await storage.open();
    receiver = await startWebhookReceiver();
    app = await startTestApp(opened.database, {
      clock,
      configuration: { allowPrivateWebhookDestinations: true },
    });
    await call('POST', '/api/v1/meters', {
      slug: 'active_users_total',
      name: 'Active users total',
      aggregation: 'UNIQUE_COUNT',
      eventType: 'user_activity',
      valueProperty: '$.user_id',
    });
    await call('POST', '/api/v1/features', {
      key: 'active-users',
      name: 'Active users',
      meterSlug: 'active_users_total',
    });
    await call('POST', '/api/v1/meters', {
      slug: 'requests_total',
      aggregation: 'COUNT',
      eventType: 'request',
    });
    await call('POST', '/api/v1/features', {
      key: 'requests',
      name: 'Requests',
      meterSlug: 'requests_total',
    });
  });
  afterAll(async () => {
    await app.stop();
    await receiver.close();
    await opened.drop();
  });

  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const response = await app.request(method, path, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  const statusOf = async (method: string, path: string, body?: unknown) =>
    (await app.request(method, path, body)).status;
  const send = async (events: object[]) => {
    const response = await app.request('POST', '/api/v1/events', events, {
      'content-type': 'application/cloudevents-batch+json',
    });
    expect(response.status).toBe(204);
  };
  const requests = (subject: string, time: string, count = 1) =>
    send(Array.from({ length: count }, () => cloudEvent({ type: 'request', subject, time })));
  const subscribe = async (key: string, plan: string) => {
    const customer = await call('POST', '/api/v1/customers', {
      key,
      name: key,
      usageAttribution: { subjectKeys: [key] },
    });
    const subscription = await call('POST', '/api/v1/subscriptions', {
      customerId: customer.id,
      plan: { key: plan },
    });
    return { customer, subscription };
  };
  const publish = async (key: string, rateCards: object[], more: object = {}) => {
    const plan = await call('POST', '/api/v1/plans', {
      key,
      name: key,
      currency: 'USD',
      billingCadence: 'P1M',
      phases: [{ key: 'default', name: 'Default', duration: null, rateCards }],
      ...more,
    });
    await call('POST', `/api/v1/plans/${plan.id}/publish`);
  };
  const usageCard = (key: string, amount: string, more: object = {}) => ({
    type: 'usage_based',
    key,
    name: key,
    featureKey: key,
    billingCadence: 'P1M',
    price: { type: 'unit', amount },
    ...more,
  });
  const baseFee = (amount: string) => ({
    type: 'flat_fee',
    key: 'base',
    name: 'Base fee',
    billingCadence: 'P1M',
    price: { type: 'flat', amount, paymentTerm: 'in_advance' },
  });
  const invoicesOf = async (customerId: string, query = ''): Promise<Answer[]> =>
    (await call('GET', `/api/v1/billing/invoices?customers=${customerId}&expand=lines${query}`)).items;
  const settled = async (customerId: string, status: string, count = 1): Promise<Answer[]> => {
    await waitUntil(
      `${count} invoices ${status}`,
      async () => (await invoicesOf(customerId, `&statuses=${status}`)).length >= count,
    );
    return invoicesOf(customerId, `&statuses=${status}`);
  };
  const onlyLine = (invoice: Answer, key: string): Answer => {
    const lines = invoice.lines.filter((line: Answer) => line.featureKey === key);
    expect(lines).toHaveLength(1);
    return lines[0];
  };

  it('previews what the seats in use cost, from live events', async () => {
    await publish('per-seat', [usageCard('active-users', '1', { entitlementTemplate: { type: 'boolean' } })]);
    const { customer } = await subscribe('acme-inc', 'per-seat');
    clock.advance(60_000);
    for (const user of ['alice', 'bob', 'carol', 'alice']) {
      const response = await app.request(
        'POST',
        '/v3/openmeter/events',
        cloudEvent({
          type: 'user_activity',
          subject: 'acme-inc',
          time: new Date(clock.now()).toISOString(),
          data: { user_id: user },
        }),
        { 'content-type': 'application/cloudevents+json' },
      );
      expect(response.status).toBe(202);
    }
    const [preview] = await invoicesOf(customer.id, '&statuses=gathering');
    expect(onlyLine(preview, 'active-users')).toMatchObject({ quantity: '3', totals: { total: '3' } });
    expect(preview).toMatchObject({ status: 'gathering', currency: 'USD', totals: { total: '3' } });
    const { entitlements } = await call('GET', '/api/v1/customers/acme-inc/access');
    expect(entitlements).toMatchObject({ 'active-users': { hasAccess: true } });
  });

  it('bills a period with the events that come while it is collected, and later ones with the next', async () => {
    clock.set('2026-03-02T00:00:00Z');
    await publish('metered', [baseFee('10'), usageCard('requests', '0.5')]);
    await requests('collected', '2026-03-01T12:00:00Z', 5);
    const { customer } = await subscribe('collected', 'metered');
    // The fee in advance is due at once; usage before the start does not count.
    const [first] = await settled(customer.id, 'paid');
    expect(first).toMatchObject({ totals: { total: '10' }, number: expect.stringMatching(/^INV-\d{6}$/) });
    await requests('collected', '2026-03-10T00:00:00Z', 3);

    clock.set('2026-04-02T00:10:00Z');
    const [draft] = await settled(customer.id, 'draft');
    expect(draft.statusDetails.extendedStatus).toBe('draft.waiting_for_collection');
    expect(draft.collectionAt).toBe('2026-04-02T01:00:00.000Z');
    await requests('collected', '2026-03-31T23:00:00Z', 1);
    clock.set('2026-04-02T01:00:00Z');
    const paid = (await settled(customer.id, 'paid', 2)).find(({ id }) => id === draft.id);
    expect(onlyLine(paid, 'requests')).toMatchObject({
      quantity: '4',
      period: { from: '2026-03-02T00:00:00.000Z', to: '2026-04-02T00:00:00.000Z' },
      totals: { total: '2' },
    });
    expect(paid.totals).toMatchObject({ amount: '12', total: '12' });

    await requests('collected', '2026-03-20T00:00:00Z', 2);
    await requests('collected', '2026-04-20T00:00:00Z', 1);
    clock.set('2026-05-02T02:00:00Z');
    const next = (await settled(customer.id, 'paid', 3)).find(({ id }) => id !== first.id && id !== draft.id);
    const usage = next.lines.filter((line: Answer) => line.featureKey === 'requests');
    expect(usage).toMatchObject([
      {
        name: 'requests (late usage)',
        quantity: '2',
        preLinePeriodQuantity: '4',
        period: { from: '2026-03-02T00:00:00.000Z' },
        totals: { total: '1' },
      },
      { name: 'requests', quantity: '1', totals: { total: '0.5' } },
    ]);
    expect(next.totals.total).toBe('11.5');
  });

  it('bills late events of a plan that has ended with the next invoice of the plan that followed', async () => {
    clock.set('2026-06-01T00:00:00.123Z');
    await publish('fee-only', [baseFee('7')]);
    const { customer, subscription } = await subscribe('late-mover', 'metered');
    await settled(customer.id, 'paid');
    await requests('late-mover', '2026-06-02T00:00:00Z', 4);
    clock.set('2026-06-10T00:00:00.456Z');
    await call('POST', `/api/v1/subscriptions/${subscription.id}/change`, {
      timing: 'immediate',
      plan: { key: 'fee-only' },
    });
    await settled(customer.id, 'draft');
    clock.advance(3_600_000);
    // The end cuts the period: four requests and, in advance up to July 1, the new fee for 21 of 30 days.
    const atTheChange = (await settled(customer.id, 'paid', 2))[1];
    expect(onlyLine(atTheChange, 'requests')).toMatchObject({ quantity: '4', totals: { total: '2' } });

    // In the same minute as the end: one event before it and one after.
    await requests('late-mover', '2026-06-10T00:00:00.455Z');
    await requests('late-mover', '2026-06-10T00:00:00.456Z');
    clock.set('2026-07-01T00:00:00.123Z');
    const next = (await settled(customer.id, 'paid', 3)).find(({ createdAt }) =>
      createdAt.startsWith('2026-07-01'),
    );
    expect(onlyLine(next, 'requests')).toMatchObject({
      name: 'requests (late usage)',
      quantity: '1',
      preLinePeriodQuantity: '4',
      totals: { total: '0.5' },
    });
  });

  it('keeps a fee that was invoiced in advance whole when its subscription ends, also at that very instant', async () => {
    const usage = usageCard('requests', '0.5');
    await publish('after-trial', [], {
      phases: [
        { key: 'trial', name: 'Trial', duration: 'P14D', rateCards: [usage] },
        { key: 'default', name: 'Default', duration: null, rateCards: [baseFee('31'), usage] },
      ],
    });
    const start = Date.parse('2026-08-01T00:00:00Z');
    for (const [key, msLater] of [
      ['at-the-instant', 0],
      ['a-moment-later', 1],
    ] as const) {
      clock.set(start);
      const { customer, subscription } = await subscribe(key, 'after-trial');
      clock.set(start + 14 * 86_400_000);
      const [draft] = await settled(customer.id, 'draft');
      clock.advance(msLater);
      await call('POST', `/api/v1/subscriptions/${subscription.id}/cancel`, { timing: 'immediate' });
      clock.advance(3_600_000);
      const paid = (await settled(customer.id, 'paid')).find(({ id }) => id === draft.id);
      // 17 of August's 31 days.
      expect(paid.lines.find(({ name }: Answer) => name === 'Base fee')).toMatchObject({
        period: { from: '2026-08-15T00:00:00.000Z', to: '2026-09-01T00:00:00.000Z' },
        totals: { total: '17' },
      });
    }
  });

  it('takes the time that a plan was in force for off a fee, exact in the currency', async () => {
    await publish(
      'yen',
      [{ ...baseFee('1000'), price: { type: 'flat', amount: '1000', paymentTerm: 'in_arrears' } }],
      {
        currency: 'JPY',
      },
    );
    const start = clock.now();
    const { customer, subscription } = await subscribe('prorated', 'yen');
    clock.set(start + 10 * 86_400_000);
    await call('POST', `/api/v1/subscriptions/${subscription.id}/cancel`, { timing: 'immediate' });
    const [paid] = await settled(customer.id, 'paid');
    // Ten of May's 31 days: 322.58 yen.
    expect(paid).toMatchObject({ currency: 'JPY', totals: { total: '323' } });
    expect(await invoicesOf(customer.id, '&statuses=gathering')).toEqual([]);
  });

  it('holds a payment that failed until it is retried, overdue or void', async () => {
    const customer = await call('POST', '/api/v1/customers', {
      key: 'pays-late',
      name: 'Pays late',
      usageAttribution: { subjectKeys: [] },
    });
    const path = `/api/v1/billing/customers/${customer.id}/invoices`;
    const line = (name: string) => ({
      name,
      period: {
        from: new Date(clock.now() - 1_000).toISOString(),
        to: new Date(clock.now()).toISOString(),
      },
      invoiceAt: new Date(clock.now() + 3_600_000).toISOString(),
      rateCard: { price: { type: 'flat', amount: '5' } },
    });
    const failing = { 'openmeter.io/sandbox/target-payment-status': 'failed' };
    const failed = async (name: string): Promise<Answer> => {
      const { invoice, isInvoiceNew } = await call('POST', `${path}/pending-lines`, {
        currency: 'USD',
        lines: [line(name)],
      });
      expect(isInvoiceNew).toBe(true);
      expect(await statusOf('POST', '/api/v1/billing/invoices/invoice', { customerId: customer.id })).toBe(
        400,
      );
      const lines = invoice.lines.map(({ id }: Answer) => ({ id }));
      await call('PUT', `/api/v1/billing/invoices/${invoice.id}`, { metadata: failing, lines });
      clock.advance(3_600_000);
      await waitUntil('the payment failed', async () =>
        (await invoicesOf(customer.id)).some(
          ({ lines: of, status }) => of[0].name === name && status === 'payment_processing',
        ),
      );
      return (await invoicesOf(customer.id)).find(({ lines: of }) => of[0].name === name);
    };
    const first = await failed('first');
    expect(first.statusDetails).toMatchObject({ failed: true, immutable: true });
    expect(await statusOf('POST', `/api/v1/billing/invoices/${first.id}/approve`)).toBe(409);
    await call('PUT', `/api/v1/billing/invoices/${first.id}`, {
      metadata: {},
      lines: first.lines.map(({ id }: Answer) => ({ id })),
    });
    expect(await call('POST', `/api/v1/billing/invoices/${first.id}/retry`)).toMatchObject({
      status: 'paid',
    });
    const second = await failed('second');
    clock.advance(31 * 86_400_000);
    await settled(customer.id, 'overdue');
    const voided = await call('POST', `/api/v1/billing/invoices/${second.id}/void`, {
      action: { percentage: 100, action: { type: 'discard' } },
      reason: 'a mistake',
    });
    expect(voided).toMatchObject({ status: 'voided', statusDetails: { availableActions: {} } });
  });

  it('ends an invoice whose payment cannot be collected, and keeps what waits for the customer', async () => {
    const customer = await call('POST', '/api/v1/customers', {
      key: 'never-pays',
      name: 'Never pays',
      usageAttribution: { subjectKeys: [] },
    });
    const statusWhen = async (outcome: string): Promise<Answer> => {
      const path = `/api/v1/billing/customers/${customer.id}/invoices/pending-lines`;
      const { invoice } = await call('POST', path, {
        currency: 'KWD',
        lines: [
          {
            name: outcome,
            period: {
              from: new Date(clock.now() - 1_000).toISOString(),
              to: new Date(clock.now()).toISOString(),
            },
            invoiceAt: new Date(clock.now() + 3_600_000).toISOString(),
            rateCard: { price: { type: 'flat', amount: '1.2345' } },
          },
        ],
      });
      await call('PUT', `/api/v1/billing/invoices/${invoice.id}`, {
        metadata: { 'openmeter.io/sandbox/target-payment-status': outcome },
        lines: invoice.lines.map(({ id }: Answer) => ({ id })),
      });
      clock.advance(3_600_000);
      const find = async () => (await invoicesOf(customer.id)).find(({ lines }) => lines[0].name === outcome);
      await waitUntil(`${outcome} is reached`, async () => {
        const state = (await find())?.statusDetails.extendedStatus ?? 'gathering';
        return !/^(gathering|draft|issued)/.test(state);
      });
      return find();
    };
    const lost = await statusWhen('uncollectible');
    expect(lost).toMatchObject({ status: 'uncollectible', currency: 'KWD', totals: { total: '1.235' } });
    expect(await statusOf('POST', `/api/v1/billing/invoices/${lost.id}/retry`)).toBe(409);
    const waiting = await statusWhen('action_required');
    expect(waiting.statusDetails.extendedStatus).toBe('payment_processing.action_required');
    clock.advance(31 * 86_400_000);
    await settled(customer.id, 'overdue');
    expect(await call('POST', `/api/v1/billing/invoices/${waiting.id}/retry`)).toMatchObject({
      status: 'overdue',
    });
  });

  it('keeps a customer that has a subscription from being deleted', async () => {
    const { customer, subscription } = await subscribe('leaves-later', 'metered');
    expect(await statusOf('DELETE', `/api/v1/customers/${customer.id}`)).toBe(409);
    await call('POST', `/api/v1/subscriptions/${subscription.id}/cancel`, { timing: 'immediate' });
    expect(await statusOf('DELETE', `/api/v1/customers/${customer.id}`)).toBe(204);
  });

  it('tells that an invoice was created and changed', async () => {
    const channel = await call('POST', '/api/v1/notification/channels', {
      type: 'WEBHOOK',
      name: 'invoices',
      url: `${receiver.url}/invoices`,
    });
    for (const type of ['invoice.created', 'invoice.updated']) {
      await call('POST', '/api/v1/notification/rules', { type, name: type, channels: [channel.id] });
    }
    const { customer } = await subscribe('told', 'metered');
    await settled(customer.id, 'paid');
    const told = (type: string) =>
      receiver
        .on('/invoices')
        .filter(({ body }) => body.type === type && (body as Answer).data.customer.id === customer.id);
    const statuses = () => new Set(told('invoice.updated').map(({ body }) => (body as Answer).data.status));
    await waitUntil('all of it is told', () => told('invoice.created').length > 0 && statuses().has('paid'));
    expect((told('invoice.created')[0]!.body as Answer).data).toMatchObject({ status: 'draft' });
    await waitUntil('each step is told', () => statuses().size === 3);
    expect([...statuses()].sort()).toEqual(['draft', 'issued', 'paid']);
    const paid = told('invoice.updated').find(({ body }) => (body as Answer).data.status === 'paid')!;
    expect((paid.body as Answer).data).toMatchObject({ totals: { total: '10' } });
  });
});
