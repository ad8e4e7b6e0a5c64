import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { eventually } from './eventually';

/** With several processes each tells its own. */
export interface Health {
  readonly healthy: boolean;
  readonly processes: readonly { readonly pid: number; readonly instances: number }[];
}

const started: PluginServerProcess[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.kill('SIGKILL')));
});

/** A plugin server in a process of its own, as users run it. */
export class PluginServerProcess {
  private output = '';
  private readonly ended: Promise<number | null>;

  private constructor(private readonly child: ChildProcess) {
    child.stderr?.on('data', (chunk) => {
      this.output += chunk;
    });
    child.stdout?.on('data', (chunk) => {
      this.output += chunk;
    });
    this.ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  }

  /** Starts from the sources, or from `script`; resolves when it says that it is ready. */
  static async start(
    args: readonly string[],
    env: Record<string, string> = {},
    script?: string,
  ): Promise<PluginServerProcess> {
    const main = script ? [script] : ['--import', 'tsx', join(__dirname, '../../src/server/main.ts')];
    const child = spawn(process.execPath, [...main, '--port', '0', ...args], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const server = new PluginServerProcess(child);
    started.push(server);
    await eventually(
      'the plugin server is ready',
      () => {
        if (child.exitCode !== null) throw new Error(`the plugin server ended: ${server.output}`);
        return server.output.includes('the plugin server is ready');
      },
      120_000,
    );
    return server;
  }

  get log(): string {
    return this.output;
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** What it says on /healthz. */
  async health(): Promise<Health> {
    return (await (await fetch(`http://127.0.0.1:${this.port}/healthz`)).json()) as Health;
  }

  /** Port of /healthz and /metrics. */
  get port(): number {
    return Number(/"port":(\d+)/.exec(this.output)?.[1]);
  }

  /** Resolves with the exit code, null after a signal ended it. */
  kill(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return this.ended;
  }
}
