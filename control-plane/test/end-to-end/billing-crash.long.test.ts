import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answer, billingCalls, feeCard, usageCard } from '../support/billing-calls';
import { type ControlPlaneProcess, startControlPlaneProcess } from '../support/control-plane-process';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { testToken } from '../support/test-app';
import { waitUntil } from '../support/wait-until';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver';

const customers = 60;
/** Whole months that each has been subscribed for when it is: an invoice each, and one for the fee that came first. */
const months = 5;
const invoices = customers * (months + 1);
const kills = 4;

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

describeOnEachStorage('billing that is killed again and again', (storage) => {
  /** On a server there are two control planes; the embedded database belongs to one process. */
  const replicas = storage.kind === 'postgres' ? 2 : 1;
  let opened: TestDatabase | undefined;
  let directory: string;
  let receiver: WebhookReceiver;
  const ports: number[] = [];
  const processes: ControlPlaneProcess[] = [];

  const start = async (index: number) => {
    processes[index] = await startControlPlaneProcess({
      databaseUrl: opened?.url,
      dataDirectory: directory,
      port: ports[index]!,
      environment: { TOLLGATE_ALLOW_PRIVATE_WEBHOOK_DESTINATIONS: 'true' },
    });
  };

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tollgate-billing-crash-'));
    receiver = await startWebhookReceiver();
    if (storage.kind === 'postgres') opened = await storage.open();
    for (let index = 0; index < replicas; index += 1) {
      ports.push(await freePort());
      await start(index);
    }
  }, 120_000);
  afterAll(async () => {
    for (const each of processes) await each.stop();
    await receiver.close();
    await opened?.drop();
    rmSync(directory, { recursive: true, force: true });
  });

  const calls = billingCalls({
    request: (method, path, body, headers = {}) =>
      fetch(`${processes[0]!.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${testToken}`, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(30_000),
      }),
  });

  it(`makes each of ${invoices} invoices once, and tells each of their steps under one id`, async () => {
    await calls.meterFeature('requests');
    await calls.publish('crashing', [feeCard('1'), usageCard('requests', '0.25')]);
    const channel = await calls.call('POST', '/api/v1/notification/channels', {
      type: 'WEBHOOK',
      name: 'billing',
      url: `${receiver.url}/billing`,
    });
    for (const type of ['invoice.created', 'invoice.updated'])
      await calls.call('POST', '/api/v1/notification/rules', { type, name: type, channels: [channel.id] });
    const began = new Date();
    began.setUTCMonth(began.getUTCMonth() - months, Math.min(began.getUTCDate(), 20));
    began.setUTCHours(began.getUTCHours() - 6);
    for (let index = 0; index < customers; index += 1) {
      await calls.send('requests', `crash-${index}`, began.getTime() + 86_400_000, 1 + (index % 7));
      await calls.subscribe(`crash-${index}`, 'crashing', { timing: began.toISOString() });
    }

    const steps = new Map<string, Set<string>>();
    let read = 0;
    const told = () => {
      for (const all = receiver.on('/billing'); read < all.length; read += 1) {
        const { body, headers } = all[read]!;
        const { id, statusDetails } = (body as Answer).data;
        const step = `${body.type} ${id} ${statusDetails.extendedStatus}`;
        steps.set(step, (steps.get(step) ?? new Set()).add(String(headers['webhook-id'])));
      }
      return steps.size;
    };
    for (let kill = 0; kill < kills; kill += 1) {
      const before = told();
      await waitUntil(
        'some more is told',
        () => told() >= Math.min(before + 1 + randomInt(60), invoices * 4),
        120_000,
      );
      // All of them at once, then: nothing but the database knows what was under way.
      await Promise.all(processes.map((each) => each.kill()));
      for (let index = 0; index < replicas; index += 1) await start(index);
    }
    await waitUntil('all of it is told', () => told() >= invoices * 4, 120_000);
    expect([...steps].filter(([, ids]) => ids.size > 1)).toEqual([]);
    expect(steps.size).toBe(invoices * 4);

    const paid: Answer[] = [];
    for (let page = 1; page * 100 < invoices + 100; page += 1) {
      const path = `/api/v1/billing/invoices?statuses=paid&expand=lines&pageSize=100&page=${page}`;
      paid.push(...(await calls.call('GET', path)).items);
    }
    expect(paid.length).toBe(invoices);
    expect(new Set(paid.map(({ number }) => number)).size).toBe(invoices);
    const lines = paid.flatMap(({ customer, lines: of }) =>
      of.map(({ name, period }: Answer) => `${customer.key} ${name} ${period.from}`),
    );
    expect(new Set(lines).size).toBe(lines.length);
    for (let index = 0; index < customers; index += 1) {
      const own = paid.filter(({ customer }) => customer.key === `crash-${index}`);
      expect(own).toHaveLength(months + 1);
      // A fee each month in advance, and the usage of the first.
      const cents = own.reduce((sum, { totals }) => sum + Math.round(Number(totals.total) * 100), 0);
      expect(cents).toBe((months + 1) * 100 + 25 * (1 + (index % 7)));
    }
    process.stderr.write(
      `${storage.kind}: ${replicas} control planes, ${kills} kills, ${invoices} invoices, ${lines.length} lines, ${steps.size} steps told\n`,
    );
  }, 300_000);
});
