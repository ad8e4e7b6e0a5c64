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
});
