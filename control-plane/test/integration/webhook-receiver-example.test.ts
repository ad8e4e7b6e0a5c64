import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { createReceiver, type Notification } from '../../../examples/webhook-receiver/receiver';
import { type TestDatabase, testStorages } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

describe('examples/webhook-receiver', () => {
  const signingSecret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
  const sharedSecret = 'a shared secret';
  const notifications: Notification[] = [];
  let opened: TestDatabase;
  let app: TestApp;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    opened = await testStorages[0]!.open();
    app = await startTestApp(opened.database, {
      configuration: { allowPrivateWebhookDestinations: true, shutdownSeconds: 0 },
    });
    const receiver = createReceiver({
      signingSecret,
      sharedSecret,
      onNotification: (notification) => notifications.push(notification),
    });
    await new Promise<void>((resolve) => {
      server = receiver.listen(0, '127.0.0.1', () => resolve());
    });
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/tollgate`;
  });
  afterAll(async () => {
    await app.stop();
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
    await opened.drop();
  });

  const create = async (path: string, body?: object) => {
    const response = await app.request('POST', `/api/v1/notification/${path}`, body);
    expect([201, 202]).toContain(response.status);
    return response.status === 201 ? ((await response.json()) as { id: string }) : undefined;
  };
  const statusOf = async (eventId: string) => {
    const response = await app.request('GET', `/api/v1/notification/events/${eventId}`);
    const { deliveryStatus } = (await response.json()) as {
      deliveryStatus: { state: string; attempts: { response: { statusCode?: number } }[] }[];
    };
    return deliveryStatus[0]!;
  };
  /** Sends a test event over a channel with these secrets and returns what the receiver answered to it. */
  const answerTo = async (secrets: { signingSecret: string; sharedSecret: string }) => {
    const channel = await create('channels', {
      type: 'WEBHOOK',
      name: 'example',
      url,
      signingSecret: secrets.signingSecret,
      customHeaders: { 'X-Webhook-Secret': secrets.sharedSecret },
    });
    const rule = await create('rules', {
      type: 'entitlements.balance.threshold',
      name: 'example',
      channels: [channel!.id],
      thresholds: [{ type: 'usage_percentage', value: 100 }],
    });
    const event = await create(`rules/${rule!.id}/test`);
    await waitUntil('an attempt', async () => (await statusOf(event!.id)).attempts.length > 0);
    return { eventId: event!.id, statusCode: (await statusOf(event!.id)).attempts[0]!.response.statusCode };
  };

  it('takes what is signed and carries the shared secret, once, though it is sent again', async () => {
    const { eventId, statusCode } = await answerTo({ signingSecret, sharedSecret });
    expect(statusCode).toBe(204);
    await create(`events/${eventId}/resend`, {});
    await waitUntil('the second attempt', async () => (await statusOf(eventId)).attempts.length === 2);
    expect(await statusOf(eventId)).toMatchObject({ state: 'SUCCESS' });
    expect(notifications).toMatchObject([
      { id: eventId, type: 'entitlements.balance.threshold', data: { threshold: { value: 100 } } },
    ]);
  });

  it('answers 401 without the shared secret and 400 to a wrong signature', async () => {
    const before = notifications.length;
    expect(await answerTo({ signingSecret, sharedSecret: 'another' })).toMatchObject({ statusCode: 401 });
    const other = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
    expect(await answerTo({ signingSecret: other, sharedSecret })).toMatchObject({ statusCode: 400 });
    expect(notifications).toHaveLength(before);
  });

  it('answers 400 to a body that was changed, and to one that is too old', async () => {
    const post = (at: Date, signed: string, sent: string) =>
      fetch(url, {
        method: 'POST',
        body: sent,
        headers: {
          'content-type': 'application/json',
          'x-webhook-secret': sharedSecret,
          'webhook-id': 'an-id',
          'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
          'webhook-signature': new Webhook(signingSecret).sign('an-id', at, signed),
        },
      });
    const body = '{"id":"an-id","type":"entitlements.reset","data":{}}';
    expect((await post(new Date(), body, body.replace('reset', 'other'))).status).toBe(400);
    expect((await post(new Date(Date.now() - 3_600_000), body, body)).status).toBe(400);
    expect((await post(new Date(), body, body)).status).toBe(204);
  });
});
