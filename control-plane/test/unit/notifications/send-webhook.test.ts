import type { LookupFunction } from 'node:net';
import {
  createWebhookSender,
  type WebhookSender,
  type WebhookSenderOptions,
} from '../../../src/notifications/delivery/send-webhook';
import { startWebhookReceiver, type WebhookReceiver } from '../../support/webhook-receiver';

describe('sending a webhook', () => {
  let receiver: WebhookReceiver;
  let sender: WebhookSender;

  beforeAll(async () => {
    receiver = await startWebhookReceiver();
  });
  afterAll(() => receiver.close());
  afterEach(() => sender.close());

  const sendTo = (url: string, options: Partial<WebhookSenderOptions> = {}) => {
    sender = createWebhookSender({
      allowPrivateDestinations: true,
      timeoutMs: 5_000,
      maximumBodyBytes: 16,
      ...options,
    });
    return sender.send({ url, headers: { 'x-own': 'value' }, body: '{"a":"ü"}' });
  };

  it('brings the body byte for byte with its headers', async () => {
    expect(await sendTo(`${receiver.url}/whole`)).toMatchObject({ statusCode: 204, body: '' });
    expect(receiver.on('/whole')[0]).toMatchObject({
      text: '{"a":"ü"}',
      headers: { 'x-own': 'value', 'content-length': '10' },
    });
  });

  it('keeps the beginning of a long answer and does not read the rest', async () => {
    receiver.answer('/endless', (response) => {
      response.writeHead(500);
      const more = () => {
        while (response.write('x'.repeat(65_536))) {}
        response.once('drain', more);
      };
      more();
    });
    expect(await sendTo(`${receiver.url}/endless`)).toMatchObject({ statusCode: 500, body: 'x'.repeat(16) });
  });

  it('keeps no character that the database cannot hold', async () => {
    receiver.answer('/nul', (response) => response.writeHead(200).end('a\u0000b'));
    expect(await sendTo(`${receiver.url}/nul`)).toMatchObject({ statusCode: 200, body: 'a\ufffdb' });
  });

  it('does not follow a redirect', async () => {
    receiver.answer('/moved', (response) => response.writeHead(307, { location: '/elsewhere' }).end());
    expect(await sendTo(`${receiver.url}/moved`)).toMatchObject({ statusCode: 307 });
    expect(receiver.on('/elsewhere')).toEqual([]);
  });

  it('gives up on a receiver that does not answer, and on one that stops in the middle', async () => {
    receiver.answer('/silent', () => undefined);
    receiver.answer('/half', (response) => response.writeHead(200).write('half'));
    for (const path of ['/silent', '/half']) {
      const outcome = await sendTo(`${receiver.url}${path}`, { timeoutMs: 50 });
      expect(outcome).toMatchObject({ statusCode: undefined, body: 'no complete answer within 50 ms' });
    }
  });

  it('says why there was no connection', async () => {
    const closed = await startWebhookReceiver();
    await closed.close();
    expect((await sendTo(closed.url)).body).toMatch(/ECONNREFUSED/);
  });

  it('tries a kept connection that was closed meanwhile once more on a fresh one', async () => {
    let dropped = 0;
    receiver.answer('/dropping', (response) => {
      dropped += 1;
      if (dropped === 2) response.socket?.destroy();
      else response.writeHead(200).end();
    });
    await sendTo(`${receiver.url}/dropping`);
    const again = await sender.send({ url: `${receiver.url}/dropping`, headers: {}, body: '{}' });
    expect(again.statusCode).toBe(200);
    expect(dropped).toBe(3);
  });

  it('reaches no private address, written as such, in disguise, or behind a name', async () => {
    const { port } = new URL(receiver.url);
    const before = receiver.received.length;
    const lookup = ((_hostname, _options, callback) => {
      callback(null, [{ address: '127.0.0.1', family: 4 }]);
    }) as LookupFunction;
    for (const host of [
      '127.0.0.1',
      '2130706433',
      '0x7f000001',
      '[::ffff:127.0.0.1]',
      'localhost',
      'rebound.example',
    ]) {
      const outcome = await sendTo(`http://${host}:${port}/private`, {
        allowPrivateDestinations: false,
        lookup,
      });
      expect([host, outcome.statusCode, outcome.body]).toEqual([
        host,
        undefined,
        expect.stringMatching(/not a public/),
      ]);
    }
    expect(receiver.received.length).toBe(before);
  });
});
