import { type Answer, billingCalls, feeCard, usageCard } from '../support/billing-calls';
import { ManualClock } from '../support/manual-clock';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

const dayMs = 86_400_000;

describeOnEachStorage('edits of a subscription', (storage) => {
  const clock = new ManualClock('2026-03-31T00:00:00Z');
  let opened: TestDatabase;
  let app: TestApp;
  let calls: ReturnType<typeof billingCalls>;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database, { clock });
    calls = billingCalls(app);
    await calls.meterFeature('requests');
    await calls.meterFeature('exports');
    const metered = { entitlementTemplate: { type: 'metered', issueAfterReset: 10 } };
    await calls.publish('standard', [feeCard('10'), usageCard('requests', '0.5', metered)]);
    await calls.publish('phased', [], {
      phases: [
        { key: 'trial', name: 'Trial', duration: 'P14D', rateCards: [usageCard('requests', '0.1')] },
        { key: 'first', name: 'First', duration: 'P1M', rateCards: [usageCard('requests', '0.2')] },
        { key: 'default', name: 'Default', duration: null, rateCards: [usageCard('requests', '0.3')] },
      ],
    });
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  const edit = (id: string, customizations: object[], timing: string = 'immediate') =>
    calls.call('PATCH', `/api/v1/subscriptions/${id}`, { customizations, timing });
  const phasesOf = async (id: string): Promise<Answer[]> =>
    (await calls.call('GET', `/api/v1/subscriptions/${id}`)).phases;
  const addItem = (rateCard: object, phaseKey = 'default') => ({ op: 'add_item', phaseKey, rateCard });

  it('bill each price for its time, and go on counting usage towards the same allowance', async () => {
    clock.set('2026-03-31T12:00:00.500Z');
    const { customer, subscription } = await calls.subscribe('edited', 'standard');
    await calls.settled(customer.id, 'paid');
    await calls.send('requests', 'edited', '2026-04-01T00:00:00Z', 4);
    expect((await calls.accessOf('edited')).requests).toMatchObject({ hasAccess: true, balance: 6 });

    clock.set('2026-04-10T00:00:00.250Z');
    const allowance = { entitlementTemplate: { type: 'metered', issueAfterReset: 15 } };
    await edit(subscription.id, [addItem(usageCard('requests', '0.25', allowance))]);
    // The anchor is the 31st: April's period ends on the 30th. What was used counts towards the greater allowance.
    expect((await calls.accessOf('edited')).requests).toMatchObject({
      hasAccess: true,
      balance: 11,
      usage: 4,
    });
    await calls.send('requests', 'edited', '2026-04-10T00:00:00.249Z');
    await calls.send('requests', 'edited', '2026-04-10T00:00:00.250Z', 2);
    const [phase] = await phasesOf(subscription.id);
    expect(phase.itemTimelines.requests).toMatchObject([
      { price: { amount: '0.5' }, activeTo: '2026-04-10T00:00:00.250Z' },
      { price: { amount: '0.25' }, activeFrom: '2026-04-10T00:00:00.250Z' },
    ]);
    expect(phase.items.filter(({ key }: Answer) => key === 'requests')).toMatchObject([
      { price: { amount: '0.25' } },
    ]);

    // The price alone: the entitlement stays as it is.
    const entitlementId = phase.items.find(({ key }: Answer) => key === 'requests').entitlementId;
    await edit(subscription.id, [addItem(usageCard('requests', '0.2', allowance))], 'next_billing_cycle');
    expect((await phasesOf(subscription.id))[0].itemTimelines.requests[2]).toMatchObject({
      activeFrom: '2026-04-30T12:00:00.500Z',
      entitlementId,
    });
    await edit(subscription.id, [{ op: 'unschedule_edit' }]);
    expect((await phasesOf(subscription.id))[0].itemTimelines.requests).toMatchObject([
      {},
      { price: { amount: '0.25' }, entitlementId },
    ]);

    clock.set('2026-04-30T14:00:00Z');
    const last = (await calls.settled(customer.id, 'paid', 3)).at(-1);
    const usage = last.lines.filter(({ featureKey }: Answer) => featureKey === 'requests');
    expect(usage).toMatchObject([
      { quantity: '2', totals: { total: '0.5' }, period: { to: '2026-04-30T12:00:00.500Z' } },
    ]);
    const before = (await calls.settled(customer.id, 'paid', 3)).find(({ lines }) =>
      lines.some(({ quantity, featureKey }: Answer) => featureKey === 'requests' && quantity === '5'),
    );
    expect(before.totals.total).toBe('2.5');
  });

  it('give access to an added item at once and take it when it is removed', async () => {
    const { subscription } = await calls.subscribe('edited-access', 'standard');
    const card = usageCard('exports', '1', { entitlementTemplate: { type: 'boolean' } });
    expect(await calls.accessOf('edited-access')).not.toHaveProperty('exports');
    await edit(subscription.id, [addItem(card)]);
    expect((await calls.accessOf('edited-access')).exports).toMatchObject({ hasAccess: true });
    clock.advance(60_000);
    await edit(subscription.id, [{ op: 'remove_item', phaseKey: 'default', itemKey: 'exports' }]);
    expect((await calls.accessOf('edited-access')).exports?.hasAccess ?? false).toBe(false);
  });

  it('add, stretch and remove phases that are still to come', async () => {
    clock.set('2026-06-01T00:00:00Z');
    const { subscription } = await calls.subscribe('edited-phases', 'phased');
    const spans = async () =>
      (await phasesOf(subscription.id)).map(({ key, activeFrom, activeTo }) => [key, activeFrom, activeTo]);
    const at = (day: string) => `2026-${day}T00:00:00.000Z`;
    clock.advance(dayMs);
    await edit(subscription.id, [
      { op: 'stretch_phase', phaseKey: 'trial', extendBy: 'P7D' },
      { op: 'add_phase', phase: { key: 'bonus', name: 'Bonus', startAfter: 'P1M', duration: 'P10D' } },
      addItem(feeCard('3'), 'bonus'),
    ]);
    expect(await spans()).toEqual([
      ['trial', at('06-01'), at('06-22')],
      ['first', at('06-22'), at('07-01')],
      ['bonus', at('07-01'), at('07-11')],
      ['default', at('07-11'), undefined],
    ]);
    await edit(subscription.id, [{ op: 'remove_phase', phaseKey: 'bonus', shift: 'next' }]);
    expect((await spans()).slice(1)).toEqual([
      ['first', at('06-22'), at('07-01')],
      ['default', at('07-01'), undefined],
    ]);
    await edit(subscription.id, [{ op: 'remove_phase', phaseKey: 'default', shift: 'prev' }]);
    expect(await spans()).toEqual([
      ['trial', at('06-01'), at('06-22')],
      ['first', at('06-22'), undefined],
    ]);
  });

  it('are refused as a whole, naming the operation', async () => {
    clock.set('2026-08-01T00:00:00Z');
    const { subscription } = await calls.subscribe('edited-badly', 'phased');
    clock.set('2026-08-20T00:00:00Z');
    const before = await phasesOf(subscription.id);
    const path = `/api/v1/subscriptions/${subscription.id}`;
    const refusedAt = async (...customizations: object[]) => {
      const { status, extensions } = await calls.refused('PATCH', path, { customizations });
      return [status, extensions.validationErrors[0].field];
    };
    const fine = addItem(feeCard('1'));
    expect(await refusedAt(fine, addItem(usageCard('unknown', '1')))).toEqual([
      400,
      '$.customizations[1].rateCard.featureKey',
    ]);
    expect(await refusedAt(fine, addItem(feeCard('1'), 'trial'))).toEqual([
      400,
      '$.customizations[1].phaseKey',
    ]);
    expect(await refusedAt(addItem(feeCard('1'), 'nowhere'))).toEqual([400, '$.customizations[0].phaseKey']);
    expect(await refusedAt({ op: 'remove_item', phaseKey: 'default', itemKey: 'none' })).toEqual([
      400,
      '$.customizations[0].itemKey',
    ]);
    expect(await refusedAt({ op: 'remove_phase', phaseKey: 'first', shift: 'next' })).toEqual([
      400,
      '$.customizations[0].phaseKey',
    ]);
    expect(await refusedAt({ op: 'stretch_phase', phaseKey: 'default', extendBy: 'P1M' })).toEqual([
      400,
      '$.customizations[0].phaseKey',
    ]);
    const phase = { key: 'early', name: 'Early', startAfter: 'P1D', duration: 'P1D' };
    expect(await refusedAt({ op: 'add_phase', phase })).toEqual([
      400,
      '$.customizations[0].phase.startAfter',
    ]);
    expect(await phasesOf(subscription.id)).toEqual(before);
  });
});
