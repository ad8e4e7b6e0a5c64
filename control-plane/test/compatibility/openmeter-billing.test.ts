import { type HTTPError, OpenMeter } from '@openmeter/sdk';
import { ManualClock } from '../support/manual-clock';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

const refusal = async (call: Promise<unknown>): Promise<HTTPError> => {
  try {
    await call;
  } catch (error) {
    return error as HTTPError;
  }
  throw new Error('the call was expected to be refused');
};

describeOnEachStorage("OpenMeter's SDK drives billing, unchanged", (storage) => {
  const clock = new ManualClock('2026-03-01T00:00:00Z');
  let opened: TestDatabase;
  let app: TestApp;
  let openmeter: OpenMeter;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database, { clock });
    openmeter = new OpenMeter({ baseUrl: app.url, apiKey: app.token });
    await openmeter.meters.create({
      slug: 'requests_total',
      aggregation: 'COUNT',
      eventType: 'request',
    });
    await openmeter.features.create({ key: 'requests', name: 'Requests', meterSlug: 'requests_total' });
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  const draft = (key: string, amount = '0.05') => ({
    key,
    name: 'Pro',
    currency: 'USD',
    billingCadence: 'P1M',
    phases: [
      {
        key: 'default',
        name: 'Default',
        duration: null,
        rateCards: [
          {
            type: 'flat_fee' as const,
            key: 'base',
            name: 'Base fee',
            billingCadence: 'P1M',
            price: { type: 'flat' as const, amount: '10', paymentTerm: 'in_advance' as const },
          },
          {
            type: 'usage_based' as const,
            key: 'requests',
            name: 'Requests',
            featureKey: 'requests',
            billingCadence: 'P1M',
            price: { type: 'unit' as const, amount },
            entitlementTemplate: { type: 'metered' as const, issueAfterReset: 100, isSoftLimit: false },
          },
        ],
      },
    ],
  });

  describe('plans', () => {
    it('drafts, publishes, versions and archives them', async () => {
      const created = await openmeter.plans.create(draft('pro'));
      expect(created).toMatchObject({ key: 'pro', version: 1, status: 'draft', validationErrors: [] });
      expect(created!.createdAt).toBeInstanceOf(Date);
      const updated = await openmeter.plans.update(created!.id, { ...draft('pro'), name: 'Professional' });
      expect(updated).toMatchObject({ id: created!.id, name: 'Professional', status: 'draft' });
      expect((await refusal(openmeter.plans.create(draft('pro')))).status).toBe(409);

      const published = await openmeter.plans.publish(created!.id);
      expect(published).toMatchObject({ status: 'active', effectiveFrom: new Date(clock.now()) });
      expect((await refusal(openmeter.plans.update(created!.id, draft('pro')))).status).toBe(409);
      expect((await refusal(openmeter.plans.delete(created!.id))).status).toBe(409);

      const next = await app.request('POST', '/api/v1/plans/pro/next');
      expect(next.status).toBe(201);
      const second = (await next.json()) as { id: string; version: number };
      expect(second).toMatchObject({ version: 2, status: 'draft', name: 'Professional' });
      expect(await openmeter.plans.get('pro')).toMatchObject({ version: 1 });
      expect(await openmeter.plans.get('pro', { includeLatest: true })).toMatchObject({ version: 2 });
      clock.advance(60_000);
      await openmeter.plans.publish(second.id);
      expect(await openmeter.plans.get(created!.id)).toMatchObject({ status: 'archived' });
      expect(await openmeter.plans.get('pro')).toMatchObject({ version: 2, status: 'active' });

      expect(await openmeter.plans.list({ key: ['pro'], status: ['active'] })).toMatchObject({
        totalCount: 1,
        items: [{ version: 2 }],
      });
      const first = await app.request('GET', '/api/v1/plans?keyVersion[pro]=1');
      expect(await first.json()).toMatchObject({ items: [{ version: 1 }] });
      expect(await openmeter.plans.archive(second.id)).toMatchObject({ status: 'archived' });
      await openmeter.plans.delete(created!.id);
      expect(await openmeter.plans.list({ key: ['pro'] })).toMatchObject({ totalCount: 1 });
    });

    it('shows what keeps a draft from being published, field by field', async () => {
      const [base, usage] = draft('broken').phases[0]!.rateCards;
      const created = await openmeter.plans.create({
        ...draft('broken'),
        currency: 'ZZZ',
        phases: [
          {
            key: 'trial',
            name: 'Trial',
            duration: null,
            rateCards: [{ ...base!, price: { type: 'flat', amount: '-1' } } as never],
          },
          {
            key: 'default',
            name: 'Default',
            duration: null,
            rateCards: [{ ...usage!, key: 'unknown', featureKey: 'unknown' } as never],
          },
        ],
      });
      const fields = created!.validationErrors!.map(({ field }) => field);
      expect(fields).toEqual(
        expect.arrayContaining([
          '$.currency',
          '$.phases[0].duration',
          '$.phases[0].rateCards[0].price.amount',
          '$.phases[1].rateCards[0].featureKey',
        ]),
      );
      const refused = await refusal(openmeter.plans.publish(created!.id));
      expect(refused.status).toBe(400);
    });
  });

  describe('subscriptions', () => {
    const publish = async (key: string, amount?: string) => {
      const plan = await openmeter.plans.create(draft(key, amount));
      await openmeter.plans.publish(plan!.id);
      return plan!;
    };
    const subscriber = async (key: string) =>
      (await openmeter.customers.create({ key, name: key, usageAttribution: { subjectKeys: [key] } }))!;
    const accessOf = async (key: string) => (await openmeter.customers.getAccess(key))!.entitlements;

    beforeAll(async () => {
      await publish('basic');
      await publish('premium', '0.02');
    });

    it('gives access while they are in force, and refuses a second one of a customer', async () => {
      const customer = await subscriber('sub-once');
      expect(await accessOf('sub-once')).toEqual({});
      const subscription = await openmeter.subscriptions.create({
        customerId: customer.id,
        plan: { key: 'basic' },
      });
      expect(subscription).toMatchObject({
        status: 'active',
        plan: { key: 'basic', version: 1 },
        customerId: customer.id,
        activeFrom: new Date(clock.now()),
      });
      expect(await accessOf('sub-once')).toMatchObject({ requests: { hasAccess: true, balance: 100 } });
      const second = await refusal(
        openmeter.subscriptions.create({ customerKey: 'sub-once', plan: { key: 'premium' } }),
      );
      expect(second.status).toBe(409);
      expect(second.message).toContain('only_single_subscription_allowed_per_customer_at_a_time');

      const canceled = await openmeter.subscriptions.cancel(subscription!.id, { timing: 'immediate' });
      expect(canceled).toMatchObject({ status: 'inactive', activeTo: new Date(clock.now()) });
      expect((await accessOf('sub-once')).requests?.hasAccess ?? false).toBe(false);
      await openmeter.subscriptions.create({ customerKey: 'sub-once', plan: { key: 'premium' } });
      expect(await accessOf('sub-once')).toMatchObject({ requests: { hasAccess: true } });
    });

    it('cancels at the end of the billing period, and takes that back', async () => {
      const customer = await subscriber('sub-later');
      const start = clock.now();
      const created = (await openmeter.subscriptions.create({
        customerId: customer.id,
        plan: { key: 'basic' },
      }))!;
      clock.advance(5 * 86_400_000);
      const canceled = await openmeter.subscriptions.cancel(created.id, { timing: 'next_billing_cycle' });
      const end = new Date(start);
      end.setUTCMonth(end.getUTCMonth() + 1);
      expect(canceled).toMatchObject({ status: 'canceled', activeTo: end });
      expect(await accessOf('sub-later')).toMatchObject({ requests: { hasAccess: true } });
      const continued = await openmeter.subscriptions.unscheduleCancelation(created.id);
      expect(continued).toMatchObject({ status: 'active' });
      expect(continued!.activeTo).toBeUndefined();

      await openmeter.subscriptions.cancel(created.id, { timing: 'next_billing_cycle' });
      const later = (await openmeter.subscriptions.create({
        customerId: customer.id,
        plan: { key: 'premium' },
        timing: end,
      }))!;
      expect(later.status).toBe('scheduled');
      expect((await refusal(openmeter.subscriptions.unscheduleCancelation(created.id))).status).toBe(409);
      const restored = await app.request('POST', `/api/v1/subscriptions/${created.id}/restore`);
      expect(await restored.json()).toMatchObject({ id: created.id, status: 'active' });
      expect((await refusal(openmeter.subscriptions.get(later.id))).status).toBe(404);
      const kept = await openmeter.subscriptions.get(created.id);
      const entitled = await openmeter.customers.entitlements.list(customer.id);
      expect(entitled!.items.map(({ id }) => id)).toEqual([
        (kept!.phases[0]!.items[1] as unknown as { entitlementId: string }).entitlementId,
      ]);
      expect(entitled!.items[0]!.activeTo).toBeUndefined();
      expect((await refusal(openmeter.subscriptions.delete(created.id))).status).toBe(409);
    });

    it('changes the plan at once or later, and migrates to a newer version', async () => {
      const customer = await subscriber('sub-change');
      const first = (await openmeter.subscriptions.create({
        customerId: customer.id,
        plan: { key: 'basic' },
      }))!;
      clock.advance(86_400_000);
      const change = await openmeter.subscriptions.change(first.id, {
        timing: 'immediate',
        plan: { key: 'premium' },
      });
      expect(change).toMatchObject({
        current: { id: first.id, status: 'inactive', activeTo: new Date(clock.now()) },
        next: { status: 'active', plan: { key: 'premium' }, billingAnchor: first.billingAnchor },
      });
      expect(await accessOf('sub-change')).toMatchObject({ requests: { hasAccess: true } });

      const next = await app.request('POST', '/api/v1/plans/premium/next');
      const version = (await next.json()) as { id: string };
      await openmeter.plans.publish(version.id);
      const migrated = await openmeter.subscriptions.migrate(change!.next.id, {
        timing: 'next_billing_cycle',
      });
      expect(migrated).toMatchObject({
        current: { status: 'canceled' },
        next: { status: 'scheduled', plan: { key: 'premium', version: 2 } },
      });
      const all = await openmeter.customers.listSubscriptions(customer.id);
      expect(all!.items.map(({ status }) => status)).toEqual(['inactive', 'canceled', 'scheduled']);
      await openmeter.subscriptions.delete(migrated!.next.id);
      expect(await openmeter.customers.listSubscriptions(customer.id)).toMatchObject({ totalCount: 2 });
    });
  });

  describe('portal', () => {
    it("reads the usage of the token's subject until it is invalidated or expires", async () => {
      const event = (subject: string) => ({
        source: 'portal-test',
        type: 'request',
        subject,
        time: new Date(clock.now()),
      });
      await openmeter.events.ingest([event('mine'), event('mine'), event('other')]);
      const made = (await openmeter.portal.create({
        subject: 'mine',
        allowedMeterSlugs: ['requests_total'],
      }))!;
      expect(made).toMatchObject({ subject: 'mine', expired: false });
      const read = (token: string, query = '') =>
        fetch(`${app.url}/api/v1/portal/meters/requests_total/query${query}`, {
          headers: { authorization: `Bearer ${token}` },
        });
      const answer = await read(made.token!, '?subject=other');
      expect(await answer.json()).toMatchObject({ data: [{ value: 2, subject: 'mine' }] });
      expect((await read(`${made.token!.slice(0, -4)}AAAA`)).status).toBe(401);
      expect((await read(app.token)).status).toBe(401);
      // It opens nothing but the portal.
      const elsewhere = new OpenMeter({ baseUrl: app.url, apiKey: made.token! });
      expect((await refusal(elsewhere.meters.list())).status).toBe(401);

      const listed = await openmeter.portal.list();
      expect(listed!.map(({ id }) => id)).toEqual([made.id]);
      expect(listed![0]!.token).toBeUndefined();
      await openmeter.portal.invalidate({ id: made.id! });
      expect((await read(made.token!)).status).toBe(401);
      expect(await openmeter.portal.list()).toEqual([]);

      const shortLived = (await openmeter.portal.create({ subject: 'mine' }))!;
      expect((await read(shortLived.token!)).status).toBe(200);
      clock.advance(3_600_001);
      expect((await read(shortLived.token!)).status).toBe(401);
    });
  });

  describe('invoices', () => {
    it('simulates and lists them', async () => {
      const customer = (await openmeter.customers.create({
        key: 'simulated',
        name: 'Simulated',
        usageAttribution: { subjectKeys: ['simulated'] },
      }))!;
      const simulated = await openmeter.billing.invoices.simulate(customer.id, {
        currency: 'USD',
        lines: [
          {
            name: 'Requests',
            period: { from: new Date('2026-03-01'), to: new Date('2026-04-01') },
            invoiceAt: new Date('2026-04-01'),
            quantity: '120',
            rateCard: {
              featureKey: 'requests',
              price: {
                type: 'tiered',
                mode: 'graduated',
                tiers: [
                  { upToAmount: '100', flatPrice: null, unitPrice: { type: 'unit', amount: '0.1' } },
                  { flatPrice: null, unitPrice: { type: 'unit', amount: '0.05' } },
                ],
              },
            },
          },
        ],
      });
      expect(simulated).toMatchObject({ totals: { total: '11' }, lines: [{ quantity: '120' }] });
      await openmeter.billing.invoices.createLineItems(customer.id, {
        currency: 'USD',
        lines: [
          {
            name: 'Set-up',
            period: { from: new Date(clock.now() - 1_000), to: new Date(clock.now()) },
            invoiceAt: new Date(clock.now() + 3_600_000),
            rateCard: { price: { type: 'flat', amount: '25' } },
          },
        ],
      });
      const listed = await openmeter.billing.invoices.list({ customers: [customer.id] });
      expect(listed!.items).toHaveLength(1);
      const invoice = await openmeter.billing.invoices.get(listed!.items[0]!.id);
      expect(invoice).toMatchObject({ totals: { total: '25' } });
    });
  });
});
