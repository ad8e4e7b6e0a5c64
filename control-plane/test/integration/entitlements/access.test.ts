import { cloudEvent } from '../../support/cloud-events';
import { ManualClock } from '../../support/manual-clock';
import { describeOnEachStorage, type TestDatabase } from '../../support/storages';
import { storeMeter } from '../../support/stored-meter';
import { startTestApp, type TestApp } from '../../support/test-app';

const start = Date.parse('2025-01-15T10:00:00Z');

describeOnEachStorage('access', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  const clock = new ManualClock(start);
  const ids: Record<string, string> = {};

  const post = async (path: string, body: unknown, status = 201) => {
    const response = await app.request('POST', path, body);
    expect(response.status).toBe(status);
    return response.status === 204 ? undefined : ((await response.json()) as Record<string, unknown>);
  };
  const query = async (body: unknown, prefix = '/api/v3/openmeter') =>
    post(`${prefix}/entitlement-access/query`, body, 200);

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database, { clock });
    await storeMeter(opened.database, { slug: 'calls' });
    for (const key of ['calls', 'sso', 'seats', 'unused']) {
      await post('/api/v1/features', { key, name: key, ...(key === 'calls' ? { meterSlug: 'calls' } : {}) });
    }
    for (const key of ['acme', 'globex']) {
      const customer = await post('/api/v1/customers', {
        key,
        name: key,
        usageAttribution: { subjectKeys: [`consumer:${key}`] },
      });
      ids[key] = customer!.id as string;
      await post(`/api/v2/customers/${key}/entitlements`, {
        type: 'metered',
        featureKey: 'calls',
        usagePeriod: { interval: 'DAY' },
        issue: { amount: 2 },
      });
    }
    await post('/api/v2/customers/acme/entitlements', { type: 'boolean', featureKey: 'sso' });
    await post('/api/v2/customers/acme/entitlements', {
      type: 'static',
      featureKey: 'seats',
      config: '{"limit": 5}',
    });
    for (let index = 0; index < 2; index += 1) {
      await post(
        '/api/v1/events',
        cloudEvent({ type: 'calls', subject: 'consumer:acme', time: new Date(start).toISOString() }),
        204,
      );
    }
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  it('is answered for many customers by id, key or subject, with a reason where there is none', async () => {
    const answer = await query({
      customer: { keys: ['consumer:acme', ids.globex, 'acme', 'nobody'] },
      feature: { keys: ['calls', 'sso', 'unused', 'nothing'] },
    });
    expect(answer).toMatchObject({
      data: [
        {
          matched: ['consumer:acme', 'acme'],
          customer: { id: ids.acme, key: 'acme', usage_attribution: { subject_keys: ['consumer:acme'] } },
          features: {
            calls: { has_access: false, reason: { code: 'usage_limit_reached' } },
            sso: { has_access: true },
            unused: { has_access: false, reason: { code: 'feature_unavailable' } },
            nothing: { has_access: false, reason: { code: 'feature_not_found' } },
          },
        },
        {
          matched: [ids.globex],
          features: { calls: { has_access: true }, sso: { reason: { code: 'feature_unavailable' } } },
        },
      ],
      errors: [{ code: 'customer_not_found', customer: 'nobody' }],
    });
  });

  it('covers everything a customer is entitled to when no features are named, under both prefixes', async () => {
    const answer = (await query({ customer: { keys: ['acme'] } }, '/v3/openmeter')) as {
      data: { features: object }[];
    };
    expect(Object.keys(answer.data[0]!.features).sort()).toEqual(['calls', 'seats', 'sso']);
  });

  it('is exact at the instant a period ends, before anybody settled it', async () => {
    await opened.database.query(
      "UPDATE entitlement_standing SET valid_until = $1 WHERE feature_key = 'calls'",
      [start],
    );
    expect(await query({ customer: { keys: ['acme'] }, feature: { keys: ['calls'] } })).toMatchObject({
      data: [{ features: { calls: { has_access: false } } }],
    });
  });

  it.each([
    ['no customers', { customer: { keys: [] } }],
    ['101 customers', { customer: { keys: Array.from({ length: 101 }, (_, index) => `c${index}`) } }],
    ['no customer member', {}],
  ])('refuses %s', async (_, body) => {
    expect(await post('/api/v3/openmeter/entitlement-access/query', body, 400)).toMatchObject({
      code: 'validation_failed',
    });
  });

  it('of one customer is listed with values, and by Konnect without', async () => {
    const access = await (await app.request('GET', '/api/v1/customers/acme/access')).json();
    expect(access).toEqual({
      entitlements: {
        calls: { hasAccess: false, balance: 0, usage: 2, overage: 0, totalAvailableGrantAmount: 2 },
        seats: { hasAccess: true, config: '{"limit": 5}' },
        sso: { hasAccess: true },
      },
    });
    const konnect = await app.request('GET', `/api/v3/openmeter/customers/${ids.acme}/entitlement-access`);
    expect(await konnect.json()).toEqual({
      data: [
        { type: 'metered', feature_key: 'calls', has_access: false },
        { type: 'static', feature_key: 'seats', has_access: true, config: '{"limit": 5}' },
        { type: 'boolean', feature_key: 'sso', has_access: true },
      ],
    });
  });

  it('to a feature without an entitlement is none for a customer, and not found for a subject', async () => {
    const customer = await app.request('GET', '/api/v1/customers/acme/entitlements/unused/value');
    expect([customer.status, await customer.json()]).toEqual([200, { hasAccess: false }]);
    const subject = await app.request('GET', '/api/v1/subjects/consumer:acme/entitlements/unused/value');
    expect(subject.status).toBe(404);
  });
});
