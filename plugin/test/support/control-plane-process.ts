import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { eventually } from './eventually';

const root = join(__dirname, '../../..');
const started: ControlPlaneProcess[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((controlPlane) => controlPlane.kill('SIGKILL')));
});

/** The real control plane with its embedded database, in a process of its own; killed and started at will. */
export class ControlPlaneProcess {
  readonly token = 'control-plane-token-0123456789abcdef';
  private child: ChildProcess | undefined;
  private output = '';
  private port = '0';

  constructor(private readonly dataDirectory: string) {
    started.push(this);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it, on the same port as before; resolves when it takes events. */
  async start(): Promise<void> {
    this.output = '';
    const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'control-plane/src/main.ts')], {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        TOLLGATE_PORT: this.port,
        TOLLGATE_DATA_DIRECTORY: this.dataDirectory,
        TOLLGATE_API_TOKEN: this.token,
        TOLLGATE_CONFIG: join(root, 'examples/compose/tollgate.yml'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        this.output += chunk;
      });
    }
    await eventually(
      'the control plane is ready',
      () => {
        if (child.exitCode !== null) throw new Error(`the control plane ended: ${this.output}`);
        return this.output.includes('tollgate is ready');
      },
      180_000,
    );
    this.port = /"url":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(this.output)?.[1] ?? this.port;
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  async get<Result>(path: string): Promise<Result> {
    const response = await fetch(`${this.url}${path}`, {
      headers: { authorization: `Bearer ${this.token}` },
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Result;
  }

  /** A meter's total by subject. */
  async usageBySubject(meter: string): Promise<Map<string, number>> {
    const { data } = await this.get<{ data: { subject: string; value: number }[] }>(
      `/api/v1/meters/${meter}/query?groupBy=subject`,
    );
    return new Map(data.map(({ subject, value }) => [subject, value]));
  }

  /** Every stored event, by the export that users have. */
  async storedEvents(): Promise<StoredEvent[]> {
    const file = join(this.dataDirectory, '..', 'events.ndjson');
    const main = join(root, 'control-plane/src/main.ts');
    await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', main, 'export', 'events', '--url', this.url, '-o', file],
      { cwd: root, env: { PATH: process.env.PATH, TOLLGATE_API_TOKEN: this.token } },
    );
    const events: StoredEvent[] = [];
    for await (const line of createInterface({ input: createReadStream(file) })) {
      const { id, subject } = JSON.parse(line) as StoredEvent;
      events.push({ id, subject });
    }
    return events;
  }
}

export interface StoredEvent {
  readonly id: string;
  readonly subject: string;
}
