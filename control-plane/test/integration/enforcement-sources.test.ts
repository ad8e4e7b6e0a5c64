import type { StandInGateway } from '../../../stand-in-gateway/src';
import { cloudEvent } from '../support/cloud-events';
import { aclConfiguration, isLetIn, startAclGateway } from '../support/kong-fixture';
import { requestJson } from '../support/request-json';
import { type TestDatabase, testStorages } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

const secret = 'shared-secret-of-the-channel';
const names = ['hosted', 'signed', 'gold-member', 'plain-member'];

const configuration = () => {
  const document = JSON.parse(aclConfiguration(names)) as {
    consumers: { username: string; tags?: string[] }[];
  };
  document.consumers.find(({ username }) => username === 'gold-member')!.tags = ['plan-gold'];
  return JSON.stringify(document);
};

/** Where access comes from besides entitlements made here: notifications of a hosted metering, and consumers of Kong. */
describe(`sources of access [${testStorages.at(-1)!.kind}]`, () => {
  let opened: TestDatabase;
  let app: TestApp;
  let gateway: StandInGateway;

  beforeAll(async () => {
    opened = await testStorages.at(-1)!.open();
    app = await startTestApp(opened.database, { configuration: { konnectWebhookSecret: secret } });
    gateway = await startAclGateway('postgres', names, { config: configuration() });
    await requestJson(app, 'POST', '/api/v1/access/gateways', {
      key: 'edge',
      driver: 'kong-acl',
      adminUrls: [gateway.adminUrl],
    });
    await requestJson(app, 'POST', '/api/v1/access/policies', {
      feature: 'requests',
      gateway: 'edge',
      leave: ['orders-access'],
    });
  });
  afterAll(async () => {
    await app?.stop();
    await gateway?.close();
    await opened?.drop();
  });

  const notify = (body: unknown, headers: Record<string, string> = { 'x-tollgate-secret': secret }) =>
    fetch(`${app.url}/webhooks/konnect`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const notification = (key: string, hasAccess: boolean, timestamp = new Date()) => ({
    id: `event-${key}-${hasAccess}`,
    type: 'entitlements.balance.threshold',
    timestamp: timestamp.toISOString(),
    data: {
      entitlement: { id: 'e1', featureKey: 'requests' },
      feature: { id: 'f1', key: 'requests', name: 'Requests' },
      subject: { key },
      customer: { id: 'c1', key: `hosted-${key}`, name: 'Hosted', usageAttribution: { subjectKeys: [key] } },
      threshold: { type: 'usage_percentage', value: 100 },
      value: { hasAccess, balance: hasAccess ? 5 : 0, usage: 100, overage: 0 },
    },
  });
  const isIn = (name: string, expected: boolean) =>
    waitUntil(
      `${name} is ${expected ? 'in' : 'out'}`,
      async () => (await isLetIn(gateway, name)) === expected,
    );

  it('takes a consumer out whose hosted metering says so, and lets it in when that is reset', async () => {
    expect((await notify(notification('hosted', false))).status).toBe(204);
    await isIn('hosted', false);
    const late = notification('hosted', true, new Date(Date.now() - 60_000));
    expect((await notify(late)).status).toBe(204);
    const { data, ...reset } = notification('hosted', true);
    const { value, ...withoutValue } = data;
    expect(value.hasAccess).toBe(true);
    expect(await isLetIn(gateway, 'hosted')).toBe(false);
    await notify({ ...reset, type: 'entitlements.reset', data: withoutValue });
    await isIn('hosted', true);
  });

  it('refuses notifications without the secret, and bodies that are none', async () => {
    const body = notification('signed', false);
    const statuses = [
      (await notify(body, {})).status,
      (await notify(body, { 'x-tollgate-secret': 'wrong' })).status,
      (await notify('{')).status,
      (await notify({ type: 5 })).status,
      (await notify({ type: 'entitlements.reset', data: {} })).status,
      (await notify({ type: 'invoice.created', data: {} })).status,
    ];
    expect(statuses).toEqual([401, 401, 400, 400, 400, 204]);
    expect(await isLetIn(gateway, 'signed')).toBe(true);
  });

  it('makes customers of consumers, entitled by their tag, and makes nothing twice', async () => {
    await requestJson(app, 'POST', '/api/v1/meters', {
      slug: 'requests',
      aggregation: 'COUNT',
      eventType: 'kong.api_request',
    });
    await requestJson(app, 'POST', '/api/v1/features', {
      key: 'requests',
      name: 'Requests',
      meterSlug: 'requests',
    });
    const synchronize = () =>
      requestJson<Record<string, unknown>>(app, 'POST', '/api/v1/access/gateways/edge/synchronize', {
        assignments: [
          { tag: 'plan-gold', entitlements: [{ feature: 'requests', type: 'metered', allowance: 2 }] },
        ],
      });
    // The customer of the first test is known by its subject.
    expect(await synchronize()).toEqual({ consumers: 4, created: 3, known: 1, assigned: 1, failures: [] });
    expect(await synchronize()).toEqual({ consumers: 4, created: 0, known: 4, assigned: 0, failures: [] });

    const events = ['gold-member', 'custom-gold-member'].map((subject) => cloudEvent({ subject }));
    await app.request('POST', '/api/v1/events', events, {
      'content-type': 'application/cloudevents-batch+json',
    });
    await isIn('gold-member', false);
    expect(await isLetIn(gateway, 'plain-member')).toBe(true);
  });
});
