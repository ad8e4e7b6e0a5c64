import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './support/eventually';
import { IngestSink } from './support/ingest-sink';
import { KongConnection } from './support/kong-client';
import { logEntry } from './support/log-entry';
import { PluginServerProcess } from './support/plugin-server-process';
import { temporaryDirectory } from './support/temporary-directory';

const clients = 1_000;
const eventsPerClient = 200;

/** Kong's clients: each logs its events one after the other and goes on with the next when one fails. */
class Traffic {
  readonly sent = new Set<string>();
  readonly acknowledged = new Set<string>();
  /** Answers that said an event was not taken, as opposed to connections that broke. */
  refused = 0;
  private instance: Promise<number> | undefined;
  private whenUp: Promise<void> = Promise.resolve();
  private markUp: () => void = () => undefined;

  constructor(
    private readonly socket: string,
    private readonly config: object,
  ) {}

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
        kong ??= await this.connect();
        const instance = await this.instanceOver(kong);
        const id = `c${client}-${count}`;
        count += 1;
        this.sent.add(id);
        await kong.log(instance, logEntry(id));
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

test('every acknowledged event is metered once, whatever is killed and though the disk fills', async () => {
  const sink = await new IngestSink().start();
  sink.keepsRequests = false;
  const directory = temporaryDirectory();
  const socket = join(directory, 's.sock');
  const flag = join(directory, 'disk-is-full');
  const args = ['--socket', socket, '--journal', join(directory, 'j')];
  const env = {
    FULL_DISK_FLAG: flag,
    NODE_OPTIONS: `--require ${join(__dirname, 'support/full-disk.cjs')}`,
  };
  let server = await PluginServerProcess.start(args, env);
  const config = { ingest_endpoint: sink.endpoint, api_token: 'token', queue: { max_retry_delay: 0.2 } };
  const traffic = new Traffic(socket, config);
  const running = traffic.run();
  const total = clients * eventsPerClient;
  const acknowledgedShare = (share: number) =>
    eventually(
      `${share} of the events are acknowledged`,
      () => traffic.acknowledged.size >= share * total,
      120_000,
    );

  await acknowledgedShare(0.15);
  await sink.stop();
  await acknowledgedShare(0.3);
  await sink.start();

  await acknowledgedShare(0.4);
  traffic.serverIsDown();
  await server.kill('SIGKILL');
  server = await PluginServerProcess.start(args, env);
  traffic.serverIsUp();

  await acknowledgedShare(0.55);
  writeFileSync(flag, '');
  await acknowledgedShare(0.6);
  await sink.stop();
  await eventually('an event is refused', () => traffic.refused > 0, 60_000);
  rmSync(flag);
  await sink.start();

  await acknowledgedShare(0.8);
  await sink.stop();
  traffic.serverIsDown();
  await server.kill('SIGKILL');
  await sink.start();
  server = await PluginServerProcess.start(args, env);
  traffic.serverIsUp();

  await running;
  const isMetered = (id: string) => sink.taken.has(`${source}\n${id}`);
  const source = [...sink.taken.keys()][0]?.split('\n')[0];
  await eventually(
    'every acknowledged event is metered',
    () => [...traffic.acknowledged].every(isMetered),
    60_000,
  );
  expect(sink.ids.every((id) => traffic.sent.has(id))).toBe(true);
  expect(new Set([...sink.taken.keys()].map((key) => key.split('\n')[0])).size).toBe(1);
  expect(traffic.acknowledged.size).toBeGreaterThan(0.9 * total - traffic.refused);
  expect(await server.kill('SIGTERM')).toBe(0);
  await sink.stop();
}, 300_000);
