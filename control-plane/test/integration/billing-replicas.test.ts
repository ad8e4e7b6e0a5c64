import { createBillingScheduler } from '../../src/billing/billing-scheduler';
import { createMoveInvoices } from '../../src/billing/invoices/move-invoices';
import { sandboxPayment } from '../../src/billing/invoices/next-step';
import { createIdentifierSource } from '../../src/primitives/identifiers';
import { type Answer, billingCalls, feeCard, usageCard } from '../support/billing-calls';
import { ManualClock } from '../support/manual-clock';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver';

const customers = 12;
const periods = 3;
const noTime = { months: 0, days: 0, ms: 0 };

describeOnEachStorage('two control planes on one database', (storage) => {
  const clock = new ManualClock('2026-01-31T06:30:00.001Z');
  let opened: TestDatabase;
  let apps: TestApp[];
  let receiver: WebhookReceiver;

  beforeAll(async () => {
    opened = await storage.open();
    receiver = await startWebhookReceiver();
    const configuration = { allowPrivateWebhookDestinations: true };
    apps = [
      await startTestApp(opened.database, { clock, configuration }),
      await startTestApp(opened.database, { clock, configuration }),
    ];
  });
  afterAll(async () => {
    for (const app of apps) await app.stop();
    await receiver.close();
    await opened.drop();
  });

  it('make one invoice a period, tell each step of it once, and continue where a stopped one was', async () => {
    const [first, second] = apps.map((app) => billingCalls(app));
    await first!.meterFeature('requests');
    await first!.publish('replicated', [feeCard('1'), usageCard('requests', '0.5')]);
    const channel = await first!.call('POST', '/api/v1/notification/channels', {
      type: 'WEBHOOK',
      name: 'replicas',
      url: `${receiver.url}/replicas`,
    });
    for (const type of ['invoice.created', 'invoice.updated'])
      await second!.call('POST', '/api/v1/notification/rules', { type, name: type, channels: [channel.id] });
    const subscribed: Answer[] = [];
    for (let index = 0; index < customers; index += 1)
      subscribed.push(await (index % 2 === 0 ? first! : second!).subscribe(`replica-${index}`, 'replicated'));

    const paidOf = async (count: number) => {
      await waitUntil(
        `${count} invoices are paid`,
        async () =>
          (await second!.call('GET', '/api/v1/billing/invoices?statuses=paid&pageSize=1')).totalCount >=
          count,
        30_000,
      );
    };
    await paidOf(customers);
    for (let period = 1; period <= periods; period += 1) {
      await second!.send('requests', `replica-${period}`, clock.now());
      clock.advance(31 * 86_400_000);
      if (period === periods) await apps.shift()!.stop();
      await paidOf(customers * (period + 1));
    }

    const { items, totalCount } = await second!.call(
      'GET',
      '/api/v1/billing/invoices?expand=lines&pageSize=1000',
    );
    const issued = items.filter(({ status }: Answer) => status === 'paid');
    expect(totalCount - issued.length).toBe(customers);
    const billed = issued.flatMap(({ customer, lines }: Answer) =>
      lines.map(({ name, period }: Answer) => `${customer.id} ${name} ${period.from}`),
    );
    expect(new Set(billed).size).toBe(billed.length);
    expect(billed.length).toBe(customers * (1 + periods * 2));
    expect(new Set(issued.map(({ number }: Answer) => number)).size).toBe(issued.length);

    // Each is told as created, with fixed quantities, as issued and as paid: four events.
    const told = () => new Set(receiver.on('/replicas').map(({ headers }) => headers['webhook-id']));
    await waitUntil('all of it is told', () => told().size >= issued.length * 4, 30_000);
    const keys = new Map<string, Set<unknown>>();
    for (const { body, headers } of receiver.on('/replicas')) {
      const { id, statusDetails } = (body as Answer).data;
      const key = `${body.type} ${id} ${statusDetails.extendedStatus}`;
      keys.set(key, (keys.get(key) ?? new Set()).add(headers['webhook-id']));
    }
    expect([...keys].filter(([, ids]) => ids.size > 1)).toEqual([]);
    expect(keys.size).toBe(issued.length * 4);
  }, 90_000);

  // The embedded database has one connection: there is no second replica whose transaction could be under way.
  if (storage.kind === 'postgres') {
    it('wait for the lines that another one is laying out, so that a period has one invoice', async () => {
      const { database } = opened;
      const { customer, subscription } = await billingCalls(apps[0]!).subscribe(
        'replica-laid-out',
        'replicated',
      );
      await billingCalls(apps[0]!).settled(customer.id, 'paid');
      const later = new ManualClock(clock.now() + 40 * 86_400_000);
      const newId = createIdentifierSource(later);
      const terms = { collectionPeriod: noTime, draftPeriod: noTime, dueAfter: noTime };
      const tell = () => Promise.resolve();
      const moves = createMoveInvoices({ newId, terms, tell, collectPayment: sandboxPayment });
      const onError = (error: unknown) => {
        throw error;
      };
      const scheduler = createBillingScheduler({
        database,
        clock: later,
        newId,
        moves,
        intervalMs: 1_000,
        onError,
      });
      const own = async () =>
        (
          await database.query<{ id: string; lines: number }>(
            `SELECT i.id, count(*) AS lines FROM invoice i JOIN invoice_line l ON l.invoice_id = i.id
             WHERE i.customer_id = $1 AND i.state <> 'gathering' GROUP BY i.id ORDER BY i.created_at`,
            [customer.id],
          )
        ).rows.map(({ lines }) => lines);

      await database.transaction(async (other) => {
        await other.query('SELECT 1 FROM subscription WHERE id = $1 FOR UPDATE', [subscription.id]);
        await scheduler.runDue();
        expect(await own()).toEqual([1]);
      });
      await scheduler.runDue();
      expect(await own()).toEqual([1, 2]);
    });
  }
});
