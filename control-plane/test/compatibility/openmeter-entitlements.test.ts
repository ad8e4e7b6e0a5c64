import { HTTPError, OpenMeter } from '@openmeter/sdk';
import { ManualClock } from '../support/manual-clock';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

const start = Date.parse('2026-03-10T12:00:00.000Z');
const hour = 3_600_000;

describeOnEachStorage("OpenMeter's SDK drives customers, features and entitlements, unchanged", (storage) => {
  const clock = new ManualClock(start);
  let opened: TestDatabase;
  let app: TestApp;
  let om: OpenMeter;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database, { clock });
    om = new OpenMeter({ baseUrl: app.url, apiKey: app.token });
    await om.meters.create({
      slug: 'tokens_total',
      aggregation: 'SUM',
      eventType: 'prompt',
      valueProperty: '$.tokens',
      groupBy: { model: '$.model' },
    });
    await om.features.create({ key: 'gpt_tokens', name: 'GPT tokens', meterSlug: 'tokens_total' });
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });
  beforeEach(() => clock.set(start));

  const use = (subject: string, tokens: number, at = clock.now()) =>
    om.events.ingest({ type: 'prompt', subject, time: new Date(at), data: { tokens, model: 'gpt-4' } });

  it('features.create, get, list, delete', async () => {
    const made = await om.features.create({
      key: 'gpt_4_tokens',
      name: 'GPT-4 tokens',
      meterSlug: 'tokens_total',
      meterGroupByFilters: { model: 'gpt-4' },
      metadata: { tier: 'gold' },
    });
    expect(made).toMatchObject({
      key: 'gpt_4_tokens',
      meterSlug: 'tokens_total',
      meterGroupByFilters: { model: 'gpt-4' },
      advancedMeterGroupByFilters: { model: { $eq: 'gpt-4' } },
      metadata: { tier: 'gold' },
      createdAt: new Date(start),
    });
    expect(await om.features.get('gpt_4_tokens')).toEqual(made);
    const keys = async () =>
      ((await om.features.list()) as unknown as { key: string }[]).map(({ key }) => key);
    expect(await keys()).toContain('gpt_4_tokens');
    await om.features.delete(made!.id);
    expect(await keys()).not.toContain('gpt_4_tokens');
    expect(await om.features.get(made!.id)).toMatchObject({ archivedAt: new Date(start) });
  });

  it('customers.create, get, update, list, getAccess, delete', async () => {
    const made = await om.customers.create({
      key: 'initech',
      name: 'Initech',
      usageAttribution: { subjectKeys: ['consumer:initech', 'initech-staging'] },
      currency: 'USD',
      primaryEmail: 'bill@initech.example',
      billingAddress: { country: 'US', city: 'Austin' },
      metadata: { plan: 'trial' },
    });
    expect(made).toMatchObject({
      key: 'initech',
      usageAttribution: { subjectKeys: ['consumer:initech', 'initech-staging'] },
      billingAddress: { country: 'US', city: 'Austin' },
    });
    expect(await om.customers.get('initech')).toEqual(made);
    const updated = await om.customers.update(made!.id, {
      key: 'initech',
      name: 'Initech Inc.',
      usageAttribution: { subjectKeys: ['consumer:initech'] },
    });
    expect(updated).toMatchObject({
      name: 'Initech Inc.',
      usageAttribution: { subjectKeys: ['consumer:initech'] },
    });
    expect(await om.customers.list({ key: 'initech' })).toMatchObject({
      totalCount: 1,
      page: 1,
      pageSize: 100,
    });
    expect(await om.customers.getAccess('initech')).toEqual({ entitlements: {} });
    await om.customers.delete('initech');
    const gone = await om.customers.get('initech').catch((error: unknown) => error);
    expect(gone).toBeInstanceOf(HTTPError);
    expect((gone as HTTPError).status).toBe(404);
  });

  it('entitlementsV1 with its grants, value, history, override and reset', async () => {
    const subject = 'sdk-v1';
    const made = await om.entitlementsV1.create(subject, {
      type: 'metered',
      featureKey: 'gpt_tokens',
      usagePeriod: { interval: 'MONTH' },
      issueAfterReset: 100,
    });
    const grant = await om.entitlementsV1.grants.create(subject, 'gpt_tokens', {
      amount: 20,
      priority: 1,
      effectiveAt: new Date(start),
      expiration: { duration: 'DAY', count: 3 },
    });
    expect(grant).toMatchObject({ amount: 20, maxRolloverAmount: 0, expiresAt: new Date(start + 72 * hour) });
    clock.advance(hour);
    await use(subject, 30);
    expect(await om.entitlementsV1.value(subject, 'gpt_tokens')).toEqual({
      hasAccess: true,
      balance: 90,
      usage: 30,
      overage: 0,
      totalAvailableGrantAmount: 120,
    });
    const grants = await om.entitlementsV1.grants.list(subject, made!.id);
    // The issued amount is a grant itself, shown as ending in 100 years.
    expect(grants).toHaveLength(2);
    expect(grants).toContainEqual(
      expect.objectContaining({
        amount: 100,
        annotations: { issueAfterReset: true },
        expiresAt: new Date('2126-03-10T12:00:00Z'),
      }),
    );
    expect(await om.entitlementsV1.grants.listAll({ subject: [subject] })).toHaveLength(2);

    clock.advance(hour);
    const history = await om.entitlementsV1.history(subject, made!.id, { windowSize: 'HOUR' });
    expect(history!.windowedHistory).toEqual([
      { period: { from: new Date(start), to: new Date(start + hour) }, usage: 0, balanceAtStart: 120 },
      {
        period: { from: new Date(start + hour), to: new Date(start + 2 * hour) },
        usage: 30,
        balanceAtStart: 120,
      },
    ]);
    expect(history!.burndownHistory).toEqual([
      expect.objectContaining({
        usage: 30,
        balanceAtStart: 120,
        balanceAtEnd: 90,
        grantUsages: [
          expect.objectContaining({ grantId: grant!.id, usage: 20 }),
          expect.objectContaining({ usage: 10 }),
        ],
      }),
    ]);

    await om.entitlementsV1.grants.void(grant!.id);
    expect(await om.entitlementsV1.value(subject, 'gpt_tokens')).toMatchObject({ balance: 90, usage: 30 });
    await om.entitlementsV1.reset(subject, made!.id, { retainAnchor: true });
    expect(await om.entitlementsV1.value(subject, 'gpt_tokens')).toMatchObject({ balance: 100, usage: 0 });
    const next = await om.entitlementsV1.override(subject, 'gpt_tokens', {
      type: 'metered',
      featureKey: 'gpt_tokens',
      usagePeriod: { interval: 'P1W' },
      issueAfterReset: 5,
    });
    expect(next).toMatchObject({ usagePeriod: { interval: 'WEEK' }, subjectKey: subject });
    expect(await om.entitlementsV1.get(made!.id)).toMatchObject({ deletedAt: new Date(clock.now()) });
    expect(await om.entitlementsV1.list({ subject: [subject], excludeInactive: true })).toHaveLength(1);
    await om.entitlementsV1.delete(subject, next!.id);
    const gone = await om.entitlementsV1.value(subject, 'gpt_tokens').catch((error: unknown) => error);
    expect((gone as HTTPError).status).toBe(404);
  });

  it('customers.entitlements (v2) with its grants, value, history, override and reset', async () => {
    await om.customers.create({
      key: 'hooli',
      name: 'Hooli',
      usageAttribution: { subjectKeys: ['hooli-prod', 'hooli-test'] },
    });
    const made = await om.customers.entitlements.create('hooli', {
      type: 'metered',
      featureKey: 'gpt_tokens',
      usagePeriod: { interval: 'DAY' },
      issue: { amount: 10, priority: 5 },
      grants: [{ amount: 3, effectiveAt: new Date(start), priority: 1 }],
    });
    expect(made).toMatchObject({ customerKey: 'hooli', issue: { amount: 10, priority: 5 } });
    await use('hooli-prod', 4);
    await use('hooli-test', 2);
    const value = await om.customers.entitlements.value('hooli', 'gpt_tokens');
    expect(value).toMatchObject({ hasAccess: true, balance: 7, usage: 6 });
    expect(Object.values(value!.grantBalances!)).toEqual([0, 7]);
    const grant = await om.customers.entitlements.createGrant('hooli', 'gpt_tokens', {
      amount: 50,
      effectiveAt: new Date(start),
      recurrence: { interval: 'DAY' },
    });
    expect(grant).toMatchObject({ maxRolloverAmount: 50, nextRecurrence: new Date(start + 24 * hour) });
    expect((await om.customers.entitlements.listGrants('hooli', made!.id))!.totalCount).toBe(3);
    expect((await om.entitlements.grants.list({ query: { customer: ['hooli'] } }))!.totalCount).toBe(3);
    clock.advance(hour);
    const history = await om.customers.entitlements.history('hooli', 'gpt_tokens', 'HOUR');
    expect(history!.windowedHistory.map(({ usage }) => usage)).toEqual([6]);
    await om.customers.entitlements.resetUsage('hooli', 'gpt_tokens', { retainAnchor: false });
    // The grant of 50 has the lowest priority number, so it covers all 6; the others roll over as they are.
    expect(await om.customers.entitlements.value('hooli', 'gpt_tokens')).toMatchObject({
      usage: 0,
      balance: 57,
    });
    expect(await om.customers.entitlementsV1.value('hooli', 'gpt_tokens')).toMatchObject({ hasAccess: true });
    const next = await om.customers.entitlements.override('hooli', 'gpt_tokens', {
      type: 'static',
      featureKey: 'gpt_tokens',
      config: '{"limit": 5}',
    });
    expect(await om.customers.entitlements.get('hooli', 'gpt_tokens')).toMatchObject({
      id: next!.id,
      type: 'static',
    });
    expect(await om.customers.entitlements.value('hooli', 'gpt_tokens')).toEqual({
      hasAccess: true,
      config: '{"limit": 5}',
    });
    expect((await om.customers.entitlements.list('hooli'))!.items).toHaveLength(1);
    expect(await om.entitlements.get(next!.id)).toMatchObject({ customerKey: 'hooli' });
    expect(
      (await om.entitlements.list({ query: { customerKeys: ['hooli'], excludeInactive: true } }))!.totalCount,
    ).toBe(1);
    await om.customers.entitlements.delete('hooli', 'gpt_tokens');
    expect(await om.customers.entitlementsV1.value('hooli', 'gpt_tokens')).toEqual({ hasAccess: false });
  });

  it('a conflict names the entitlement there is, where the SDK reads it', async () => {
    const body = { type: 'boolean', featureKey: 'gpt_tokens' } as const;
    const made = await om.entitlementsV1.create('sdk-conflict', body);
    const error = (await om.entitlementsV1
      .create('sdk-conflict', body)
      .catch((thrown: unknown) => thrown)) as HTTPError;
    expect(error.status).toBe(409);
    expect(error.getField('extensions')).toMatchObject({ conflictingEntityId: made!.id });
  });
});
