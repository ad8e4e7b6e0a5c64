import { OpenMeter } from '@openmeter/sdk';
import { ManualClock } from '../support/manual-clock';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

const hourMs = 3_600_000;

/** The methods of a part of the SDK, by its own prototype: those that a later version adds are asked for too. */
const methodsOf = (part: object): string[] =>
  Object.getOwnPropertyNames(Object.getPrototypeOf(part)).filter((name) => name !== 'constructor');

describeOnEachStorage(
  "every method of OpenMeter's SDK for plans, subscriptions, invoices and the portal",
  (storage) => {
    const clock = new ManualClock('2026-01-31T00:00:00Z');
    const succeeded = new Set<string>();
    let opened: TestDatabase;
    let app: TestApp;
    let openmeter: OpenMeter;
    let parts: Record<string, object>;

    /** Notes each call of the SDK's own method that succeeds; the calls go through unchanged. */
    const observe = (name: string, part: object) => {
      const target = part as Record<string, (...args: unknown[]) => Promise<unknown>>;
      for (const method of methodsOf(part)) {
        const original = target[method]!.bind(part);
        target[method] = async (...args) => {
          const result = await original(...args);
          succeeded.add(`${name}.${method}`);
          return result;
        };
      }
    };

    beforeAll(async () => {
      opened = await storage.open();
      app = await startTestApp(opened.database, { clock });
      openmeter = new OpenMeter({ baseUrl: app.url, apiKey: app.token });
      parts = {
        plans: openmeter.plans,
        'plans.addons': openmeter.plans.addons,
        addons: openmeter.addons,
        subscriptions: openmeter.subscriptions,
        'billing.invoices': openmeter.billing.invoices,
        portal: openmeter.portal,
      };
      for (const [name, part] of Object.entries(parts)) observe(name, part);
      await openmeter.meters.create({ slug: 'calls_total', aggregation: 'COUNT', eventType: 'call' });
      await openmeter.features.create({ key: 'calls', name: 'Calls', meterSlug: 'calls_total' });
      await openmeter.features.create({ key: 'support', name: 'Support' });
    });
    afterAll(async () => {
      await app.stop();
      await opened.drop();
    });

    const callsCard = (amount: string) => ({
      type: 'usage_based' as const,
      key: 'calls',
      name: 'Calls',
      featureKey: 'calls',
      billingCadence: 'P1M',
      price: { type: 'unit' as const, amount },
    });
    const feeCard = (amount: string) => ({
      type: 'flat_fee' as const,
      key: 'base',
      name: 'Base fee',
      billingCadence: 'P1M',
      price: { type: 'flat' as const, amount, paymentTerm: 'in_advance' as const },
    });
    const plan = (key: string, amount = '0.5') => ({
      key,
      name: key,
      currency: 'USD',
      billingCadence: 'P1M',
      phases: [
        { key: 'default', name: 'Default', duration: null, rateCards: [feeCard('10'), callsCard(amount)] },
      ],
    });
    const customerOf = async (key: string) =>
      (await openmeter.customers.create({ key, name: key, usageAttribution: { subjectKeys: [key] } }))!;
    const now = () => new Date(clock.now());

    it('plans and add-ons', async () => {
      const { plans, addons } = openmeter;
      const draft = (await plans.create(plan('pro')))!;
      await plans.update(draft.id, { ...plan('pro'), name: 'Pro' });
      const extra = (await addons.create({
        key: 'priority',
        name: 'Priority',
        currency: 'USD',
        instanceType: 'multiple',
        rateCards: [
          {
            type: 'flat_fee',
            key: 'support',
            name: 'Support',
            featureKey: 'support',
            billingCadence: 'P1M',
            price: { type: 'flat', amount: '5' },
            entitlementTemplate: { type: 'boolean' },
          },
        ],
      }))!;
      expect(extra).toMatchObject({ status: 'draft', version: 1, validationErrors: [] });
      await addons.update(extra.id, { ...extra, name: 'Priority support' });
      await expect(
        plans.addons.create(draft.id, { addonId: extra.id, fromPlanPhase: 'default' }),
      ).rejects.toMatchObject({ status: 400 });
      expect(await addons.publish(extra.id)).toMatchObject({ status: 'active', name: 'Priority support' });
      expect((await addons.list({ key: ['priority'], status: ['active'] }))!.items).toHaveLength(1);
      expect(await addons.get(extra.id)).toMatchObject({ key: 'priority', instanceType: 'multiple' });

      const offer = { addonId: extra.id, fromPlanPhase: 'default', maxQuantity: 3 };
      expect(await plans.addons.create(draft.id, offer)).toMatchObject({
        addon: { id: extra.id },
        maxQuantity: 3,
      });
      await expect(plans.addons.create(draft.id, offer)).rejects.toMatchObject({ status: 409 });
      await expect(
        plans.addons.update(draft.id, extra.id, { fromPlanPhase: 'nowhere' }),
      ).rejects.toMatchObject({ status: 400 });
      await plans.addons.update(draft.id, extra.id, { fromPlanPhase: 'default', maxQuantity: 5 });
      expect(await plans.addons.get(draft.id, extra.id)).toMatchObject({ maxQuantity: 5 });
      expect((await plans.addons.list(draft.id))!.items).toHaveLength(1);
      await plans.addons.delete(draft.id, extra.id);
      expect((await plans.addons.list(draft.id))!.items).toEqual([]);
      await expect(addons.delete(extra.id)).rejects.toMatchObject({ status: 409 });
      expect(await addons.archive(extra.id)).toMatchObject({ status: 'archived' });
      await addons.delete(extra.id);

      expect(await plans.publish(draft.id)).toMatchObject({ status: 'active', name: 'Pro' });
      expect(await plans.get('pro')).toMatchObject({ id: draft.id });
      expect((await plans.list({ key: ['pro'] }))!.totalCount).toBe(1);
      const other = (await plans.create(plan('retired')))!;
      await plans.publish(other.id);
      expect(await plans.archive(other.id)).toMatchObject({ status: 'archived' });
      await plans.delete(other.id);
    });

    it('subscriptions', async () => {
      const { subscriptions } = openmeter;
      const larger = (await openmeter.plans.create(plan('larger', '0.2')))!;
      await openmeter.plans.publish(larger.id);
      const customer = await customerOf('subscriber');
      const first = (await subscriptions.create({ customerId: customer.id, plan: { key: 'pro' } }))!;
      clock.advance(hourMs);
      expect(
        await subscriptions.edit(first.id, {
          timing: 'immediate',
          customizations: [
            {
              op: 'add_item',
              phaseKey: 'default',
              rateCard: { ...callsCard('0.25'), name: 'Cheaper calls' },
            },
          ],
        }),
      ).toMatchObject({ id: first.id, status: 'active' });
      const [phase] = (await subscriptions.get(first.id))!.phases;
      expect(phase!.itemTimelines.calls).toMatchObject([{ activeTo: now() }, { activeFrom: now() }]);
      expect(phase!.items.map(({ name }) => name).sort()).toEqual(['Base fee', 'Cheaper calls']);

      // The anchor is the 31st: February ends on the 28th.
      const canceled = await subscriptions.cancel(first.id, { timing: 'next_billing_cycle' });
      expect(canceled).toMatchObject({ status: 'canceled', activeTo: new Date('2026-02-28T00:00:00Z') });
      expect(await subscriptions.unscheduleCancelation(first.id)).toMatchObject({ status: 'active' });
      const change = { timing: 'immediate' as const, plan: { key: 'larger' } };
      const { next } = (await subscriptions.change(first.id, change))!;
      const version = await app.request('POST', '/api/v1/plans/larger/next');
      await openmeter.plans.publish(((await version.json()) as { id: string }).id);
      const migrated = (await subscriptions.migrate(next.id, { timing: 'next_billing_cycle' }))!;
      expect(migrated.next).toMatchObject({ status: 'scheduled', plan: { key: 'larger', version: 2 } });
      await subscriptions.delete(migrated.next.id);
    });

    it('invoices', async () => {
      const { invoices } = openmeter.billing;
      const customer = await customerOf('payer');
      const line = (name: string, amount: string) => ({
        name,
        period: { from: new Date(clock.now() - hourMs), to: now() },
        invoiceAt: now(),
        rateCard: { price: { type: 'flat' as const, amount } },
      });
      const usage = {
        name: 'Calls',
        period: { from: new Date(clock.now() - hourMs), to: now() },
        invoiceAt: now(),
        rateCard: { featureKey: 'calls', price: { type: 'unit' as const, amount: '0.015' } },
      };
      expect(
        await invoices.simulate(customer.id, { currency: 'KWD', lines: [{ ...usage, quantity: '0.5' }] }),
      ).toMatchObject({ totals: { total: '0.008' } });
      await openmeter.events.ingest([
        { type: 'call', subject: 'payer', source: 'sdk', time: new Date(clock.now() - 1) },
        { type: 'call', subject: 'payer', source: 'sdk', time: new Date(clock.now() - hourMs) },
        { type: 'call', subject: 'payer', source: 'sdk', time: now() },
      ]);

      /** A draft of the lines, made before the scheduler comes to them or by it. */
      const draftOf = async (lines: (typeof usage | ReturnType<typeof line>)[]) => {
        const made = (await invoices.createLineItems(customer.id, { currency: 'USD', lines }))!;
        const ids = new Set(made.lines.map(({ id }) => id));
        await waitUntil('the lines are drafted', async () => {
          const listed = await invoices.list({ customers: [customer.id], expand: ['lines'] });
          return listed!.items.some(
            ({ status, lines: own }) => status === 'draft' && own?.some(({ id }) => ids.has(id)),
          );
        });
        const listed = await invoices.list({ customers: [customer.id], expand: ['lines'] });
        return listed!.items.find(({ lines: own }) => own?.some(({ id }) => ids.has(id)))!;
      };

      const draft = await draftOf([usage]);
      expect(await invoices.recalculateTax(draft.id)).toMatchObject({
        id: draft.id,
        totals: { taxesTotal: '0' },
      });
      const lines = (await invoices.get(draft.id))!.lines!;
      const described = await invoices.update(draft.id, {
        description: 'As agreed',
        metadata: { 'openmeter.io/sandbox/target-payment-status': 'failed' },
        lines,
      } as never);
      expect(described).toMatchObject({ description: 'As agreed' });
      // Nothing is due yet: it stays as it is.
      expect(await invoices.advance(draft.id)).toMatchObject({
        statusDetails: { extendedStatus: 'draft.waiting_for_collection' },
      });
      const fixed = await invoices.snapshotQuantities(draft.id);
      expect(fixed).toMatchObject({ lines: [{ quantity: '2', totals: { total: '0.03' } }] });
      await waitUntil('the payment fails', async () => {
        const { status } = (await invoices.get(draft.id))!;
        return status === 'payment_processing';
      });
      expect(await invoices.retry(draft.id)).toMatchObject({ status: 'payment_processing' });
      const reason = {
        reason: 'goodwill',
        action: { percentage: 100, action: { type: 'discard' as const } },
      };
      expect(await invoices.void(draft.id, reason as never)).toMatchObject({ status: 'voided' });

      const second = await draftOf([{ ...usage, name: 'Calls again' }]);
      expect(await invoices.approve(second.id)).toMatchObject({
        status: 'paid',
        number: expect.stringMatching(/^INV-\d{6}$/),
      });
      const third = await draftOf([{ ...usage, name: 'Calls once more' }]);
      await invoices.delete(third.id);
      await expect(invoices.approve(third.id)).rejects.toMatchObject({ status: 404 });

      // In the future, so that no scheduler comes before the call.
      const later = { ...line('Set-up', '25'), invoiceAt: new Date(clock.now() + hourMs) };
      await invoices.createLineItems(customer.id, { currency: 'JPY', lines: [later] });
      await expect(invoices.invoicePendingLines({ customerId: customer.id })).rejects.toMatchObject({
        status: 400,
      });
      // A scheduler that comes first leaves nothing to invoice by hand: then another line is tried.
      let invoiced: unknown;
      for (let attempt = 0; attempt < 20 && !Array.isArray(invoiced); attempt += 1) {
        const made = (await invoices.createLineItems(customer.id, {
          currency: 'JPY',
          lines: [line('Now', '7')],
        }))!;
        invoiced = await invoices
          .invoicePendingLines({ customerId: customer.id, filters: { lineIds: [made.lines[0]!.id] } })
          .catch(({ status }: { status: number }) => status);
        if (!Array.isArray(invoiced)) expect(invoiced).toBe(400);
      }
      expect(invoiced).toMatchObject([{ status: 'paid', currency: 'JPY', totals: { total: '7' } }]);
    });

    it('portal tokens', async () => {
      const token = (await openmeter.portal.create({ subject: 'payer' }))!;
      expect((await openmeter.portal.list())!.map(({ id }) => id)).toEqual([token.id]);
      await openmeter.portal.invalidate({ id: token.id! });
      expect(await openmeter.portal.list()).toEqual([]);
    });

    it('has succeeded', () => {
      const all = Object.entries(parts).flatMap(([name, part]) =>
        methodsOf(part).map((method) => `${name}.${method}`),
      );
      expect(all.filter((method) => !succeeded.has(method))).toEqual([]);
      expect(all.length).toBeGreaterThanOrEqual(43);
    });
  },
);
