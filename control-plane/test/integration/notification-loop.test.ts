import { cloudEvent } from '../support/cloud-events';
import { ManualClock } from '../support/manual-clock';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver';

const dayMs = 86_400_000;

describeOnEachStorage('what a receiver hears of a customer over the months', (storage) => {
  const clock = new ManualClock('2026-01-15T12:00:00Z');
  let opened: TestDatabase;
  let app: TestApp;
  let receiver: WebhookReceiver;

  beforeAll(async () => {
    opened = await storage.open();
    receiver = await startWebhookReceiver();
    app = await startTestApp(opened.database, {
      clock,
      configuration: { allowPrivateWebhookDestinations: true, shutdownSeconds: 0 },
    });
  });
  afterAll(async () => {
    await app.stop();
    await receiver.close();
    await opened.drop();
  });

  const post = async (path: string, body: unknown): Promise<{ id: string }> => {
    const response = await app.request('POST', path, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return text === '' ? { id: '' } : JSON.parse(text);
  };
  const use = async (count: number): Promise<void> => {
    clock.advance(1_000);
    const time = new Date(clock.now()).toISOString();
    await post(
      '/api/v1/events',
      Array.from({ length: count }, () => cloudEvent({ type: 'loop', subject: 'acme', time })),
    );
  };
  /** Everything that arrived since the last call, in the order of the events. */
  let heard = 0;
  const hears = async (expected: string[]): Promise<void> => {
    await waitUntil(`${expected.join(', ')}`, () => receiver.received.length >= heard + expected.length);
    const news = receiver.received
      .slice(heard)
      .sort((a, b) => (a.body.id < b.body.id ? -1 : 1))
      .map(({ body }) => {
        const { threshold, value } = body.data as unknown as {
          threshold?: { value: number };
          value: { usage: number; hasAccess: boolean };
        };
        const what = threshold ? `${threshold.value} %` : body.type;
        return `${what} at ${value.usage}${value.hasAccess ? '' : ', cut off'}`;
      });
    heard = receiver.received.length;
    expect(news).toEqual(expected);
  };

  it('80 %, 100 %, resets by hand and by the calendar, and a top-up, each once', async () => {
    await post('/api/v1/meters', { slug: 'loop', aggregation: 'COUNT', eventType: 'loop' });
    await post('/api/v1/features', { key: 'loop', name: 'Loop', meterSlug: 'loop' });
    await post('/api/v1/customers', {
      name: 'Acme',
      key: 'acme',
      usageAttribution: { subjectKeys: ['acme'] },
    });
    const entitlements = '/api/v2/customers/acme/entitlements';
    await post(entitlements, {
      type: 'metered',
      featureKey: 'loop',
      usagePeriod: { interval: 'MONTH', anchor: '2026-01-01T00:00:00Z' },
      issue: { amount: 10 },
    });
    const channel = await post('/api/v1/notification/channels', {
      type: 'WEBHOOK',
      name: 'loop',
      url: receiver.url,
    });
    await post('/api/v1/notification/rules', {
      type: 'entitlements.balance.threshold',
      name: 'warn, then tell',
      channels: [channel.id],
      thresholds: [
        { type: 'usage_percentage', value: 80 },
        { type: 'usage_percentage', value: 100 },
      ],
    });
    await post('/api/v1/notification/rules', {
      type: 'entitlements.reset',
      name: 'reset',
      channels: [channel.id],
      features: ['loop'],
    });

    await use(7);
    await use(1);
    await hears(['80 % at 8']);
    await use(2);
    await hears(['100 % at 10, cut off']);
    await use(5);

    clock.advance(dayMs);
    await post(`${entitlements}/loop/reset`, { retainAnchor: true });
    await hears(['entitlements.reset at 0']);
    await use(9);
    await hears(['80 % at 9']);

    clock.set('2026-02-01T00:00:01Z');
    await hears(['entitlements.reset at 0']);
    await use(11);
    await hears(['80 % at 11, cut off', '100 % at 11, cut off']);

    await post(`${entitlements}/loop/grants`, {
      amount: 10,
      effectiveAt: new Date(clock.now()).toISOString(),
    });
    await use(4);
    await use(1);
    await hears(['80 % at 16']);
    await use(4);
    await hears(['100 % at 20, cut off']);
  });
});
