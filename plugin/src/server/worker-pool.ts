import cluster, { type Worker } from 'node:cluster';
import { AggregatorRegistry } from 'prom-client';
import type { Log } from '../observability/log';
import { type InstanceStart, LocalInstanceDirectory } from './instance-directory';
import { serveObservations } from './observation-server';
import type { ServerOptions } from './options';
import { ProcessChannel } from './process-channel';
import { clearSocket, type Running } from './serve';
import type { WorkerObservation } from './worker-process';

/** Set for a worker: the folder of its own below the journal's. */
export const slotVariable = 'TOLLGATE_WORKER_SLOT';

const respawnDelayMs = 500;

interface Member {
  readonly worker: Worker;
  readonly channel: ProcessChannel;
  readonly ready: Promise<void>;
}

/**
 * The parent of several processes on one socket: it deals Kong's connections out among them, knows every
 * instance, starts a process again that ended, and answers for all of them on /healthz and /metrics.
 */
export class WorkerPool {
  private readonly members = new Map<string, Member>();
  private readonly directory = new LocalInstanceDirectory();
  private isStopping = false;

  constructor(
    private readonly options: ServerOptions & { readonly socket: string },
    private readonly log: Log,
  ) {}

  /** Resolves when every process takes connections. */
  async start(): Promise<Running> {
    await clearSocket(this.options.socket);
    const slots = Array.from({ length: this.options.processes }, (_, index) => String(index + 1));
    await Promise.all(slots.map((slot) => this.spawn(slot).ready));
    const observations = await serveObservations(this.options, {
      metrics: () => this.metrics(),
      health: () => this.health(),
    });
    const { port } = observations.address() as { port: number };
    return {
      port,
      stop: async () => {
        await this.stop();
        observations.close();
      },
    };
  }

  private spawn(slot: string): Member {
    const worker = cluster.fork({ [slotVariable]: slot });
    let markReady: () => void = () => undefined;
    const ready = new Promise<void>((resolve, reject) => {
      markReady = resolve;
      worker.once('exit', (code) =>
        reject(new Error(`process ${slot} ended with ${code} before it was ready`)),
      );
    });
    ready.catch(() => undefined);
    const channel = new ProcessChannel(worker, {
      ready: async () => markReady(),
      'instance.reserve': () => this.directory.reserve(),
      'instance.record': (body) => {
        const { id, start } = body as { id: number; start: InstanceStart };
        return this.directory.record(id, start);
      },
      'instance.find': (id) => this.directory.find(id as number),
      'instance.ids': () => this.directory.ids(),
      'instance.forget': (id) => this.directory.forget(id as number),
    });
    const member = { worker, channel, ready };
    this.members.set(slot, member);
    worker.once('exit', (code, signal) => this.onExit(slot, code, signal));
    return member;
  }

  private onExit(slot: string, code: number, signal: string): void {
    this.members.delete(slot);
    if (this.isStopping) return;
    this.log('error', 'a process ended and is started again', { slot, code, signal });
    setTimeout(() => {
      if (!this.isStopping) this.spawn(slot);
    }, respawnDelayMs);
  }

  private async stop(): Promise<void> {
    this.isStopping = true;
    await Promise.all(
      [...this.members.values()].map(async ({ worker, channel }) => {
        const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
        const deadline = setTimeout(() => worker.process.kill('SIGKILL'), this.options.drainMs + 5_000);
        channel.request('stop').catch(() => undefined);
        await ended;
        clearTimeout(deadline);
      }),
    );
  }

  private observe(): Promise<WorkerObservation[]> {
    return Promise.all(
      [...this.members.values()].map(({ channel }) => channel.request<WorkerObservation>('observe')),
    );
  }

  private async metrics(): Promise<string> {
    const observations = await this.observe();
    return AggregatorRegistry.aggregate(observations.map(({ metrics }) => metrics)).metrics();
  }

  private async health(): Promise<{ healthy: boolean; processes: unknown[] }> {
    const healths = (await this.observe()).map(({ health }) => health);
    const areAllThere = healths.length === this.options.processes;
    return { healthy: areAllThere && healths.every(({ healthy }) => healthy), processes: healths };
  }
}
