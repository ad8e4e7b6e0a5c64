import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ControlPlaneProcess } from './support/control-plane-process';
import { eventually } from './support/eventually';
import { KongConnection } from './support/kong-client';
import { logEntry } from './support/log-entry';
import { PluginServerProcess } from './support/plugin-server-process';
import { temporaryDirectory } from './support/temporary-directory';

const clients = 1_000;
/** In all, a multiple of the clients. */
const events = Number(process.env.CRASH_EVENTS ?? 200_000);
const eventsPerClient = events / clients;
const subjects = 50;

/** Kong's clients: each logs its events one after the other and goes on with the next when one fails. */
class Traffic {
  readonly sent = new Set<string>();
  readonly acknowledged = new Set<string>();
  /** Answers that said an event was not taken, as opposed to connections that broke. */
  refused = 0;
  private allowed = 0;
  private readonly waitingForMore: (() => void)[] = [];
  private instance: Promise<number> | undefined;
  private whenUp: Promise<void> = Promise.resolve();
  private markUp: () => void = () => undefined;

  constructor(
    private readonly socket: string,
    private readonly config: object,
  ) {}

  /** Lets the clients go on until so many events are sent in all, so that each fault meets traffic. */
  allow(share: number): void {
    this.allowed = share * events;
    for (const goOn of this.waitingForMore.splice(0)) goOn();
  }

  /** Resolves when so many events are sent. */
  async hasSent(share: number): Promise<void> {
    await eventually(`${share} of the events are sent`, () => this.sent.size >= share * events, 300_000);
  }

  /** Like Kong's health check of the socket: nobody connects while the server is known to be down. */
  serverIsDown(): void {
    this.instance = undefined;
    this.whenUp = new Promise((resolve) => {
      this.markUp = resolve;
    });
  }

  serverIsUp(): void {
    this.markUp();
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: clients }, (_, client) => this.runClient(client)));
  }

  private async runClient(client: number): Promise<void> {
    let kong: KongConnection | undefined;
    for (let count = 0; count < eventsPerClient; ) {
      try {
        while (this.sent.size >= this.allowed)
          await new Promise<void>((resolve) => this.waitingForMore.push(resolve));
        kong ??= await this.connect();
        const instance = await this.instanceOver(kong);
        const id = `c${client}-${count}`;
        count += 1;
        this.sent.add(id);
        await kong.log(instance, this.entry(client, id));
        this.acknowledged.add(id);
      } catch (error) {
        if (/was not taken/.test((error as Error).message)) this.refused += 1;
        else {
          kong?.close();
          kong = undefined;
        }
      }
    }
    kong?.close();
  }

  private entry(client: number, id: string): string {
    const username = `client-${client % subjects}`;
    return logEntry(id, { consumer: { username }, started_at: Date.now() });
  }

  private async connect(): Promise<KongConnection> {
    await this.whenUp;
    return KongConnection.open(this.socket);
  }

  private instanceOver(kong: KongConnection): Promise<number> {
    if (this.instance) return this.instance;
    const instance = kong.startInstance(this.config);
    this.instance = instance;
    instance.catch(() => {
      if (this.instance === instance) this.instance = undefined;
    });
    return instance;
  }
}

test('every acknowledged event is in the meter once, whatever is killed and though the disk fills', async () => {
  const directory = temporaryDirectory();
  const controlPlane = new ControlPlaneProcess(join(directory, 'data'));
  await controlPlane.start();
  const socket = join(directory, 's.sock');
  const flag = join(directory, 'disk-is-full');
  const args = [
    '--socket',
    socket,
    '--journal',
    join(directory, 'j'),
    '--source',
    'gateway-1',
    '--drain-ms',
    '120000',
  ];
  const env = {
    FULL_DISK_FLAG: flag,
    NODE_OPTIONS: `--require ${join(__dirname, 'support/full-disk.cjs')}`,
  };
  let server = await PluginServerProcess.start(args, env);
  const config = {
    ingest_endpoint: `${controlPlane.url}/api/v1/events`,
    api_token: controlPlane.token,
    queue: { max_retry_delay: 0.2 },
  };
  const traffic = new Traffic(socket, config);
  const running = traffic.run();

  traffic.allow(0.3);
  await traffic.hasSent(0.1);
  await controlPlane.kill('SIGKILL');
  await traffic.hasSent(0.3);
  await controlPlane.start();

  traffic.allow(0.45);
  await traffic.hasSent(0.35);
  traffic.serverIsDown();
  await server.kill('SIGKILL');
  server = await PluginServerProcess.start(args, env);
  traffic.serverIsUp();
  await traffic.hasSent(0.45);

  // The disk is full: first the control plane takes events from memory, then nobody does.
  traffic.allow(0.6);
  await traffic.hasSent(0.5);
  writeFileSync(flag, '');
  await traffic.hasSent(0.6);
  await controlPlane.kill('SIGKILL');
  traffic.allow(0.65);
  await eventually('an event is refused', () => traffic.refused > 0, 120_000);
  rmSync(flag);
  await controlPlane.start();
  await traffic.hasSent(0.65);

  traffic.allow(0.9);
  await traffic.hasSent(0.8);
  traffic.serverIsDown();
  await Promise.all([controlPlane.kill('SIGKILL'), server.kill('SIGKILL')]);
  await controlPlane.start();
  server = await PluginServerProcess.start(args, env);
  traffic.serverIsUp();
  traffic.allow(1);

  await running;
  expect(traffic.acknowledged.size).toBeGreaterThan(0.9 * events - traffic.refused);
  // Draining ends when everything that was acknowledged has been answered for.
  expect(await server.kill('SIGTERM')).toBe(0);

  const stored = await controlPlane.storedEvents();
  const metered = await controlPlane.usageBySubject('api_requests');
  process.stderr.write(
    `${traffic.sent.size} events sent, ${traffic.acknowledged.size} acknowledged, ${traffic.refused} refused, ` +
      `${stored.length} stored, ${[...metered.values()].reduce((sum, value) => sum + value, 0)} in the meter\n`,
  );
  const ids = new Set(stored.map(({ id }) => id));
  expect([...traffic.acknowledged].filter((id) => !ids.has(id))).toEqual([]);
  expect([...ids].filter((id) => !traffic.sent.has(id))).toEqual([]);
  expect(stored.length).toBe(ids.size);
  // The meter counts what is stored, each once: neither less nor more for any subject.
  const counts = new Map<string, number>();
  for (const { subject } of stored) counts.set(subject, (counts.get(subject) ?? 0) + 1);
  expect(Object.fromEntries(metered)).toEqual(Object.fromEntries(counts));
}, 1_200_000);
