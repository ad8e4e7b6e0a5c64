import { type HTTPError, OpenMeter } from '@openmeter/sdk';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver';

describeOnEachStorage("notifications through OpenMeter's SDK, unchanged", (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  let receiver: WebhookReceiver;
  let openmeter: OpenMeter;

  beforeAll(async () => {
    opened = await storage.open();
    receiver = await startWebhookReceiver();
    app = await startTestApp(opened.database, {
      configuration: { allowPrivateWebhookDestinations: true, shutdownSeconds: 0 },
    });
    openmeter = new OpenMeter({ baseUrl: app.url, apiKey: app.token });
  });
  afterAll(async () => {
    await app.stop();
    await receiver.close();
    await opened.drop();
  });

  // The SDK's type of the request is that of the answer, with the fields that only the server can know.
  type ChannelRequest = Parameters<OpenMeter['notifications']['channels']['create']>[0];
  const createChannel = async (name: string) => {
    const channel = await openmeter.notifications.channels.create({
      type: 'WEBHOOK',
      name,
      url: `${receiver.url}/${name}`,
      customHeaders: { 'X-Webhook-Secret': 'shared' },
      metadata: { team: 'platform' },
    } as unknown as ChannelRequest);
    return channel!;
  };

  it('creates, gets, lists, updates and deletes channels', async () => {
    const created = await createChannel('channel');
    expect(created).toMatchObject({ type: 'WEBHOOK', disabled: false, metadata: { team: 'platform' } });
    expect(created.signingSecret).toMatch(/^whsec_[A-Za-z0-9+/=]{44}$/);
    expect(created.createdAt).toBeInstanceOf(Date);
    expect(await openmeter.notifications.channels.get(created.id)).toMatchObject({ name: 'channel' });
    const updated = await openmeter.notifications.channels.update(created.id, {
      ...created,
      name: 'renamed',
      disabled: true,
    });
    expect(updated).toMatchObject({ id: created.id, name: 'renamed', disabled: true });
    const shown = await openmeter.notifications.channels.list();
    expect(shown!.items.map(({ id }) => id)).not.toContain(created.id);
    const all = await openmeter.notifications.channels.list({ includeDisabled: true, pageSize: 10, page: 1 });
    expect(all).toMatchObject({
      page: 1,
      pageSize: 10,
      items: expect.arrayContaining([expect.objectContaining({ id: created.id, disabled: true })]),
    });
    await openmeter.notifications.channels.delete(created.id);
    expect((await openmeter.notifications.channels.get(created.id))!.deletedAt).toBeInstanceOf(Date);
  });

  it('creates, gets, lists, updates and deletes rules of every type', async () => {
    const channels = [(await createChannel('one')).id, (await createChannel('two')).id];
    const threshold = await openmeter.notifications.rules.create({
      type: 'entitlements.balance.threshold',
      name: 'threshold',
      channels,
      thresholds: [
        { type: 'PERCENT', value: 80 },
        { type: 'NUMBER', value: 1_000 },
        { type: 'balance_value', value: 0 },
        { type: 'usage_percentage', value: 99.5 },
        { type: 'usage_value', value: 12 },
      ],
    });
    expect(threshold).toMatchObject({
      type: 'entitlements.balance.threshold',
      channels: channels.map((id) => ({ id, type: 'WEBHOOK' })),
      thresholds: [
        { type: 'PERCENT', value: 80 },
        { value: 1_000 },
        { value: 0 },
        { value: 99.5 },
        { value: 12 },
      ],
    });
    const others = [];
    for (const type of ['entitlements.reset', 'invoice.created', 'invoice.updated'] as const) {
      others.push(await openmeter.notifications.rules.create({ type, name: type, channels: [channels[0]!] }));
    }
    const listed = await openmeter.notifications.rules.list({ orderBy: 'createdAt', order: 'ASC' });
    expect(listed!.items.map(({ id }) => id)).toEqual([threshold!.id, ...others.map((rule) => rule!.id)]);
    const updated = await openmeter.notifications.rules.update(others[0]!.id, {
      type: 'entitlements.reset',
      name: 'renamed',
      channels: [channels[1]!],
      disabled: true,
    });
    expect(updated).toMatchObject({ name: 'renamed', disabled: true, channels: [{ id: channels[1] }] });
    for (const rule of [threshold, ...others]) await openmeter.notifications.rules.delete(rule!.id);
    expect(await openmeter.notifications.rules.list()).toMatchObject({ items: [], totalCount: 0 });
    expect((await openmeter.notifications.rules.get(threshold!.id))!.deletedAt).toBeInstanceOf(Date);
  });

  it('lists, gets and sends events again', async () => {
    const channel = await createChannel('events');
    const rule = await openmeter.notifications.rules.create({
      type: 'entitlements.reset',
      name: 'events',
      channels: [channel.id],
    });
    // The SDK has no call for the test button.
    const tested = await app.request('POST', `/api/v1/notification/rules/${rule!.id}/test`);
    expect(tested.status).toBe(201);
    const list = await openmeter.notifications.events.list({
      rule: [rule!.id],
      channel: [channel.id],
      from: new Date(Date.now() - 60_000),
      to: new Date(Date.now() + 60_000),
    });
    expect(list!.totalCount).toBe(1);
    const { id } = list!.items[0]!;
    const statusOf = async () => (await openmeter.notifications.events.get(id))!.deliveryStatus[0]!;
    await waitUntil('it is delivered', async () => (await statusOf()).state === 'SUCCESS');
    await openmeter.notifications.events.resend(id);
    await waitUntil('it is delivered again', async () => (await statusOf()).attempts.length === 2);
    expect(await openmeter.notifications.events.get(id)).toMatchObject({
      type: 'entitlements.reset',
      rule: { id: rule!.id },
      payload: { id, type: 'entitlements.reset', data: { value: { hasAccess: true } } },
      deliveryStatus: [
        {
          channel: { id: channel.id, type: 'WEBHOOK' },
          attempts: [
            { state: 'SUCCESS', response: { statusCode: 204 } },
            { state: 'SUCCESS', response: { statusCode: 204 } },
          ],
        },
      ],
    });
    expect(receiver.on('/events').map(({ headers }) => headers['svix-id'])).toEqual([id, id]);
    expect(receiver.on('/events')[0]!.headers['x-webhook-secret']).toBe('shared');
  });

  it('reads the details of refusals', async () => {
    const failed = await openmeter.notifications.rules.get('01ARZ3NDEKTSV4RRFFQ69G5FAV').then(
      () => undefined,
      (error: HTTPError) => error,
    );
    expect(failed).toMatchObject({ status: 404, title: 'Not Found' });
  });
});
