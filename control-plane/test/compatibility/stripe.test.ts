import Stripe from 'stripe';
import { ManualClock } from '../support/manual-clock';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver';

const hour = 3_600_000;
const minute = 60_000;

/** Stripe's own client, unchanged but for the address that its options take. */
const clientOf = (app: TestApp, key = app.token): Stripe => {
  const { hostname, port } = new URL(app.url);
  return new Stripe(key, { host: hostname, port: Number(port), protocol: 'http', telemetry: false });
};

describeOnEachStorage("Stripe's own client", (storage) => {
  // Near the database's own clock, by which receipt is dated.
  const clock = new ManualClock(Math.floor(Date.now() / hour) * hour + 30 * minute);
  const start = clock.now();
  let opened: TestDatabase;
  let app: TestApp;
  let stripe: Stripe;
  let receiver: WebhookReceiver;
  let names = 0;

  beforeAll(async () => {
    opened = await storage.open();
    receiver = await startWebhookReceiver();
    app = await startTestApp(opened.database, {
      clock,
      configuration: { allowPrivateWebhookDestinations: true },
    });
    stripe = clientOf(app);
  });
  beforeEach(() => clock.set(start));
  afterAll(async () => {
    await app.stop();
    await receiver.close();
    await opened.drop();
  });

  const nextName = (): string => {
    names += 1;
    return `tokens_${names}`;
  };
  const makeMeter = (formula: 'sum' | 'count' | 'last' = 'sum', event_name = nextName()) =>
    stripe.billing.meters.create({ display_name: 'Tokens', event_name, default_aggregation: { formula } });
  const total = async (meterId: string, customer: string): Promise<number> => {
    const page = await stripe.billing.meters.listEventSummaries(meterId, {
      customer,
      start_time: Math.floor((start - 36 * 24 * hour) / 60_000) * 60,
      end_time: Math.floor((start + 24 * hour) / 60_000) * 60,
    });
    return page.data[0]!.aggregated_value;
  };
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await app.request(method, path, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };

  it('makes, lists, renames, deactivates and reactivates meters', async () => {
    const event_name = nextName();
    const meter = await stripe.billing.meters.create({
      display_name: 'Tokens',
      event_name,
      default_aggregation: { formula: 'sum' },
      customer_mapping: { type: 'by_id', event_payload_key: 'who' },
      value_settings: { event_payload_key: 'how-many' },
      event_time_window: 'hour',
    });
    expect(meter).toMatchObject({
      object: 'billing.meter',
      status: 'active',
      display_name: 'Tokens',
      event_name,
      event_time_window: 'hour',
      customer_mapping: { type: 'by_id', event_payload_key: 'who' },
      value_settings: { event_payload_key: 'how-many' },
      default_aggregation: { formula: 'sum' },
      status_transitions: { deactivated_at: null },
    });
    expect(meter.lastResponse.requestId).toBeTruthy();
    expect(await stripe.billing.meters.retrieve(meter.id)).toEqual(
      expect.objectContaining({ id: meter.id, event_name }),
    );
    expect((await stripe.billing.meters.update(meter.id, { display_name: 'Words' })).display_name).toBe(
      'Words',
    );

    const send = (value: string) =>
      stripe.billing.meterEvents.create({ event_name, payload: { who: 'cus_1', 'how-many': value } });
    await send('1');
    expect(await stripe.billing.meters.deactivate(meter.id)).toMatchObject({
      status: 'inactive',
      status_transitions: { deactivated_at: Math.floor(start / 1_000) },
    });
    await expect(send('10')).rejects.toMatchObject({ code: 'archived_meter', param: 'event_name' });
    expect(await stripe.billing.meters.reactivate(meter.id)).toMatchObject({ status: 'active' });
    await send('100');
    expect(await total(meter.id, 'cus_1')).toBe(101);

    const others = await Promise.all([1, 2, 3].map(() => makeMeter()));
    const listed: string[] = [];
    for await (const one of stripe.billing.meters.list({ limit: 2, status: 'active' })) listed.push(one.id);
    expect(listed).toEqual(expect.arrayContaining([meter.id, ...others.map(({ id }) => id)]));
    expect(new Set(listed).size).toBe(listed.length);
    const inactive = await stripe.billing.meters.list({ status: 'inactive' });
    expect(inactive.data).toEqual([]);
    await expect(makeMeter('sum', event_name)).rejects.toMatchObject({ code: 'resource_already_exists' });
    await expect(stripe.billing.meters.retrieve('mtr_none')).rejects.toMatchObject({
      type: 'StripeInvalidRequestError',
      code: 'resource_missing',
      statusCode: 404,
    });
    await expect(clientOf(app, 'sk_wrong').billing.meters.list()).rejects.toMatchObject({
      type: 'StripeAuthenticationError',
    });
  });

  it('sends meter events: exact, counted when answered, duplicates refused, retries answered alike', async () => {
    const { id, event_name } = await makeMeter();
    const sent = await stripe.billing.meterEvents.create({
      event_name,
      identifier: `first-${id}`,
      timestamp: Math.floor(start / 1_000) - 60,
      payload: { stripe_customer_id: 'cus_1', value: '0.1' },
    });
    expect(sent).toMatchObject({
      object: 'billing.meter_event',
      event_name,
      identifier: `first-${id}`,
      payload: { stripe_customer_id: 'cus_1', value: '0.1' },
      timestamp: Math.floor(start / 1_000) - 60,
    });
    for (let index = 0; index < 9; index += 1)
      await stripe.billing.meterEvents.create({
        event_name,
        payload: { stripe_customer_id: 'cus_1', value: '0.1' },
      });
    expect(await total(id, 'cus_1')).toBe(1);

    const again = {
      event_name,
      identifier: `first-${id}`,
      payload: { stripe_customer_id: 'cus_1', value: '7' },
    };
    await expect(stripe.billing.meterEvents.create(again)).rejects.toMatchObject({
      type: 'StripeInvalidRequestError',
      message: `An event already exists with identifier first-${id}.`,
    });
    await expect(stripe.v2.billing.meterEvents.create(again)).rejects.toMatchObject({
      message: `An event already exists with identifier first-${id}.`,
    });

    for (const identifier of [undefined, `keyed-${id}`]) {
      const options = { idempotencyKey: `key-${id}-${identifier}` };
      const body = {
        event_name,
        payload: { stripe_customer_id: 'cus_2', value: '5' },
        ...(identifier ? { identifier } : {}),
      };
      const first = await stripe.billing.meterEvents.create(body, options);
      clock.advance(2_000);
      const retry = await stripe.billing.meterEvents.create(body, options);
      expect(retry).toEqual(first);
      const other = { ...body, payload: { ...body.payload, value: '6' } };
      await expect(stripe.billing.meterEvents.create(other, options)).rejects.toMatchObject({
        type: 'StripeIdempotencyError',
      });
    }
    expect(await total(id, 'cus_2')).toBe(10);

    const v2 = await stripe.v2.billing.meterEvents.create({
      event_name,
      payload: { stripe_customer_id: 'cus_3', value: '9007199254740993' },
    });
    expect(v2).toMatchObject({
      object: 'v2.billing.meter_event',
      event_name,
      timestamp: new Date(clock.now()).toISOString(),
    });
    const { data } = await call('GET', `/api/v1/meters/${event_name}/query?subject=cus_3`);
    expect(data).toEqual([expect.objectContaining({ value: Number('9007199254740993') })]);
  });

  it('has events refused that cannot be counted, each with its code', async () => {
    const { event_name } = await makeMeter();
    const send = (more: object) =>
      stripe.billing.meterEvents.create({
        event_name,
        payload: { stripe_customer_id: 'cus_1', value: '1' },
        ...more,
      });
    const seconds = Math.floor(start / 1_000);
    const cases: [object, string][] = [
      [{ event_name: 'no_such_name' }, 'no_meter'],
      [{ payload: { value: '1' } }, 'meter_event_no_customer_defined'],
      [{ payload: { stripe_customer_id: 'cus_1', value: 'many' } }, 'meter_event_invalid_value'],
      [{ payload: { stripe_customer_id: 'cus_1' } }, 'meter_event_invalid_value'],
      [
        { payload: { stripe_customer_id: 'cus_1', value: '1'.repeat(41) } },
        'meter_event_value_too_many_digits',
      ],
      [{ timestamp: seconds + 301 }, 'timestamp_in_future'],
      [{ timestamp: seconds - 36 * 86_400 }, 'timestamp_too_far_in_past'],
    ];
    for (const [more, code] of cases)
      await expect(send(more)).rejects.toMatchObject({ type: 'StripeInvalidRequestError', code });
    await send({ timestamp: seconds + 299 });
    await send({ timestamp: seconds - 35 * 86_400 + 1 });
  });

  it('cancels an event: usage, balance, access and the open invoice line follow, once', async () => {
    const { id, event_name } = await makeMeter();
    const { slug } = await call('GET', `/api/v1/meters/${id}`);
    const key = `feature_${event_name}`;
    await call('POST', '/api/v1/features', { key, name: key, meterSlug: slug });
    const customer = await call('POST', '/api/v1/customers', {
      key: `cus_${event_name}`,
      name: 'Acme',
      currency: 'USD',
      usageAttribution: { subjectKeys: [`cus_${event_name}`] },
    });
    await call('POST', `/api/v2/customers/${customer.id}/entitlements`, {
      type: 'metered',
      featureKey: key,
      issueAfterReset: 10,
      usagePeriod: { interval: 'MONTH', anchor: new Date(start - hour).toISOString() },
      measureUsageFrom: new Date(start - hour).toISOString(),
    });
    const { invoice } = await call(
      'POST',
      `/api/v1/billing/customers/${customer.id}/invoices/pending-lines`,
      {
        currency: 'USD',
        lines: [
          {
            name: 'Tokens',
            period: { from: new Date(start - hour).toISOString(), to: new Date(start + hour).toISOString() },
            invoiceAt: new Date(start + 2 * hour).toISOString(),
            rateCard: { price: { type: 'unit', amount: '2' }, featureKey: key },
          },
        ],
      },
    );
    const value = () => call('GET', `/api/v2/customers/${customer.id}/entitlements/${key}/value`);
    const billed = async () => (await call('GET', `/api/v1/billing/invoices/${invoice.id}`)).totals.total;
    const send = (identifier: string, amount: string) =>
      stripe.billing.meterEvents.create({
        event_name,
        identifier,
        payload: { stripe_customer_id: `cus_${event_name}`, value: amount },
      });
    await send(`${id}-a`, '4');
    await send(`${id}-b`, '6');
    expect(await value()).toMatchObject({ usage: 10, balance: 0, hasAccess: false });
    expect(Number(await billed())).toBe(20);

    const adjustment = { event_name, type: 'cancel' as const, cancel: { identifier: `${id}-b` } };
    expect(await stripe.billing.meterEventAdjustments.create(adjustment)).toMatchObject({
      object: 'billing.meter_event_adjustment',
      status: 'complete',
      cancel: { identifier: `${id}-b` },
    });
    expect(await value()).toMatchObject({ usage: 4, balance: 6, hasAccess: true });
    expect(Number(await billed())).toBe(8);
    expect(await total(id, customer.key)).toBe(4);

    const again = await stripe.v2.billing.meterEventAdjustments.create(adjustment);
    expect(again).toMatchObject({ object: 'v2.billing.meter_event_adjustment', status: 'complete' });
    expect(await value()).toMatchObject({ usage: 4 });
    await expect(send(`${id}-b`, '6')).rejects.toMatchObject({ message: /already exists/ });
    await expect(
      stripe.billing.meterEventAdjustments.create({ ...adjustment, cancel: { identifier: 'unknown' } }),
    ).rejects.toMatchObject({ code: 'resource_missing', param: 'cancel[identifier]' });

    clock.advance(26 * hour);
    await expect(
      stripe.billing.meterEventAdjustments.create({ ...adjustment, cancel: { identifier: `${id}-a` } }),
    ).rejects.toMatchObject({ type: 'StripeInvalidRequestError', code: 'out_of_window' });
  });

  it('streams 10,000 events in a session that every replica knows, until it expires', async () => {
    const { id, event_name } = await makeMeter();
    const session = await stripe.v2.billing.meterEventSession.create();
    expect(Date.parse(session.expires_at) - Date.parse(session.created)).toBe(15 * minute);
    const replica = await startTestApp(opened.database, { clock });
    try {
      const clients = [app, replica].map((one) => clientOf(one, session.authentication_token));
      for (let request = 0; request < 100; request += 1) {
        const events = Array.from({ length: 100 }, (_, index) => ({
          event_name,
          identifier: `${id}-${request}-${index}`,
          payload: { stripe_customer_id: `cus_${index % 4}`, value: '2' },
        }));
        await clients[request % 2]!.v2.billing.meterEventStream.create({ events });
        // A resend counts nothing and is no error.
        if (request === 0) await clients[1]!.v2.billing.meterEventStream.create({ events });
      }
      for (const customer of [0, 1, 2, 3]) expect(await total(id, `cus_${customer}`)).toBe(5_000);
      await expect(stripe.v2.billing.meterEventStream.create({ events: [] })).rejects.toMatchObject({
        type: 'StripeAuthenticationError',
      });
      await expect(clients[0]!.billing.meters.list()).rejects.toMatchObject({
        type: 'StripeAuthenticationError',
      });
      clock.advance(15 * minute);
      for (const client of clients) {
        const late = client.v2.billing.meterEventStream.create({
          events: [{ event_name, payload: { stripe_customer_id: 'cus_0', value: '1' } }],
        });
        await expect(late).rejects.toBeInstanceOf(Stripe.errors.TemporarySessionExpiredError);
      }
    } finally {
      await replica.stop();
    }
    expect(await total(id, 'cus_0')).toBe(5_000);
  }, 60_000);

  it('reports what the stream could not count: readable, and sent over the rules for it', async () => {
    const { id, event_name } = await makeMeter();
    const channel = await call('POST', '/api/v1/notification/channels', {
      type: 'WEBHOOK',
      name: 'reports',
      url: `${receiver.url}/reports`,
    });
    for (const type of ['v1.billing.meter.error_report_triggered', 'v1.billing.meter.no_meter_found'])
      await call('POST', '/api/v1/notification/rules', { type, name: type, channels: [channel.id] });
    const session = await stripe.v2.billing.meterEventSession.create();
    const stream = clientOf(app, session.authentication_token);
    const send = (payload: Record<string, string>, name = event_name) => ({
      event_name: name,
      identifier: `x${names++}`,
      payload,
    });
    await stream.v2.billing.meterEventStream.create({
      events: [
        send({ stripe_customer_id: 'cus_1', value: '3' }),
        send({ stripe_customer_id: 'cus_1', value: 'three' }),
        send({ value: '3' }),
        send({ stripe_customer_id: 'cus_1', value: '3' }, 'nobody_counts_this'),
      ],
    });
    expect(await total(id, 'cus_1')).toBe(3);
    clock.advance(minute);
    await waitUntil('both reports are delivered', () => receiver.on('/reports').length >= 2);
    const bodies = receiver.on('/reports').map(({ body }) => body);
    expect(bodies.map(({ type }) => type).sort()).toEqual([
      'v1.billing.meter.error_report_triggered',
      'v1.billing.meter.no_meter_found',
    ]);
    const { data: events } = await stripe.v2.core.events.list({ object_id: id });
    expect(events).toHaveLength(1);
    const event = (await stripe.v2.core.events.retrieve(
      events[0]!.id,
    )) as Stripe.Events.V1BillingMeterErrorReportTriggeredEvent;
    expect(event.data.reason).toMatchObject({
      error_count: 2,
      error_types: [
        { code: 'meter_event_invalid_value', error_count: 1 },
        { code: 'meter_event_no_customer_defined', error_count: 1 },
      ],
    });
    expect((await event.fetchRelatedObject()).id).toBe(id);
    expect(bodies.find(({ type }) => type === event.type)!.data).toEqual(JSON.parse(JSON.stringify(event)));
  });

  it('reads summaries by hour and day, page by page', async () => {
    const { id, event_name } = await makeMeter();
    const first = Math.floor(start / hour) * hour - 30 * hour;
    for (let index = 0; index < 25; index += 1)
      await stripe.billing.meterEvents.create({
        event_name,
        timestamp: first / 1_000 + index * 3_600,
        payload: { stripe_customer_id: 'cus_1', value: String(index) },
      });
    const params = {
      customer: 'cus_1',
      start_time: first / 1_000,
      end_time: first / 1_000 + 25 * 3_600,
      value_grouping_window: 'hour' as const,
    };
    const values: number[] = [];
    for await (const summary of stripe.billing.meters.listEventSummaries(id, { ...params, limit: 7 }))
      values.push(summary.aggregated_value);
    expect(values).toEqual(Array.from({ length: 25 }, (_, index) => 24 - index));
    const page = await stripe.billing.meters.listEventSummaries(id, { ...params, limit: 7 });
    expect(page.has_more).toBe(true);
    const back = await stripe.billing.meters.listEventSummaries(id, {
      ...params,
      ending_before: page.data[3]!.id,
    });
    expect(back.data.map((summary) => summary.id)).toEqual(
      page.data.slice(0, 3).map((summary) => summary.id),
    );

    const day = Math.floor(first / 86_400_000) * 86_400;
    const days = await stripe.billing.meters.listEventSummaries(id, {
      customer: 'cus_1',
      start_time: day,
      end_time: day + 3 * 86_400,
      value_grouping_window: 'day',
    });
    expect(days.data.reduce((sum, { aggregated_value }) => sum + aggregated_value, 0)).toBe(300);
    await expect(
      stripe.billing.meters.listEventSummaries(id, { ...params, start_time: params.start_time + 60 }),
    ).rejects.toMatchObject({ param: 'start_time' });
  });
});
