import { checkCounts, checkGroups, meteredCounts } from '../../../proof/chaos/examine';
import { type ChaosConsumer, kongConfiguration, setUp, thresholdPercents } from '../../../proof/chaos/set-up';
import { type StandInGateway, startStandInGateway } from '../../../stand-in-gateway/src/index';
import { openNodePostgres } from '../../src/storage/postgres/node-postgres';
import { cloudEvent } from '../support/cloud-events';
import { ManualClock } from '../support/manual-clock';
import { type TestDatabase, testStorages } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver';

const allowance = 10;
const events = 12;
const consumers: ChaosConsumer[] = Array.from({ length: 24 }, (_, index) => ({
  name: `replica-consumer-${index}`,
  allowance,
  events,
}));
const monthMs = 31 * 86_400_000;

const server = testStorages.find(({ kind }) => kind === 'postgres');

/** Without a server the run has said so already (describeOnEachStorage); an embedded database has one process. */
(server ? describe : describe.skip)('three replicas on one database', () => {
  const clock = new ManualClock(Date.now());
  const replicas: TestApp[] = [];
  let opened: TestDatabase;
  let receiver: WebhookReceiver;
  let gateway: StandInGateway;
  const pools: { close(): Promise<void> }[] = [];

  const client = (replica: TestApp) => ({
    get: async <T>(path: string) => (await replica.request('GET', path)).json() as Promise<T>,
    post: async <T>(path: string, body: unknown) => {
      const response = await replica.request('POST', path, body);
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      const text = await response.text();
      return (text === '' ? undefined : JSON.parse(text)) as T;
    },
  });

  beforeAll(async () => {
    opened = await server!.open();
    receiver = await startWebhookReceiver();
    gateway = await startStandInGateway({ config: kongConfiguration(consumers), mode: 'postgres' });
    for (let count = 0; count < 3; count += 1) {
      const database = openNodePostgres({ connectionString: opened.url!, maximumConnections: 6 });
      pools.push(database);
      replicas.push(
        await startTestApp(database, { clock, configuration: { allowPrivateWebhookDestinations: true } }),
      );
    }
    const administration = client(replicas[0]!);
    await setUp(administration, consumers, {
      adminUrl: gateway.adminUrl,
      webhookUrl: `${receiver.url}/thresholds`,
    });
    const channel = await administration.post<{ id: string }>('/api/v1/notification/channels', {
      type: 'WEBHOOK',
      name: 'resets',
      url: `${receiver.url}/resets`,
    });
    await administration.post('/api/v1/notification/rules', {
      type: 'entitlements.reset',
      name: 'resets',
      channels: [channel.id],
    });
  }, 60_000);
  afterAll(async () => {
    for (const replica of replicas) await replica.stop();
    for (const pool of pools) await pool.close();
    await gateway?.close();
    await receiver?.close();
    await opened?.drop();
  }, 60_000);

  it('count an event once that two of them get at the same time, and tell each crossing once', async () => {
    const send = async (consumer: string, number: number): Promise<void> => {
      const event = cloudEvent({ id: `${consumer}-${number}`, subject: consumer, time: undefined });
      const targets = [replicas[number % 3]!, replicas[(number + 1) % 3]!];
      const answers = await Promise.all(
        targets.map((replica) => replica.request('POST', '/api/v1/events', event)),
      );
      expect(answers.map(({ status }) => status)).toEqual([204, 204]);
    };
    await Promise.all(
      consumers.map(async ({ name }) => {
        for (let number = 0; number < events; number += 1) await send(name, number);
      }),
    );
    for (const replica of replicas) {
      expect(checkCounts(consumers, await meteredCounts(client(replica))).findings).toEqual([]);
    }
    const crossings = consumers.length * thresholdPercents.length;
    await waitUntil('every crossing arrives', () => receiver.on('/thresholds').length >= crossings, 30_000);
    const told = receiver
      .on('/thresholds')
      .map(({ body }) => body.data as unknown as { subject: { key: string }; threshold: { value: number } })
      .map(({ subject, threshold }) => `${subject.key} ${threshold.value}`);
    expect(told.sort()).toEqual(
      consumers.flatMap(({ name }) => thresholdPercents.map((percent) => `${name} ${percent}`)).sort(),
    );
  }, 120_000);

  it('change the access of each consumer once', async () => {
    await waitUntil(
      'everybody is out',
      async () => (await checkGroups(consumers, gateway.adminUrl)).findings.length === 0,
      30_000,
    );
    const log = await client(replicas[1]!).get<{ items: { consumer: string; access: string }[] }>(
      '/api/v1/access/log?outcome=done&limit=100',
    );
    const outs = log.items.filter(({ access }) => access === 'out').map(({ consumer }) => consumer);
    expect(outs.sort()).toEqual(consumers.map(({ name }) => name).sort());
  }, 60_000);

  it('end each period once, and let everybody in again', async () => {
    clock.advance(monthMs);
    await waitUntil('every reset arrives', () => receiver.on('/resets').length >= consumers.length, 30_000);
    await waitUntil(
      'everybody is in again',
      async () =>
        (
          await checkGroups(
            consumers.map((consumer) => ({ ...consumer, events: 0 })),
            gateway.adminUrl,
          )
        ).findings.length === 0,
      30_000,
    );
    const told = receiver
      .on('/resets')
      .map(({ body }) => (body.data as unknown as { subject: { key: string } }).subject.key);
    expect(told.sort()).toEqual(consumers.map(({ name }) => name).sort());
  }, 120_000);
});
