/**
 * How many log events a plugin server takes, against the least possible (floor) and kong-pdk's own server
 * (baseline) in the same run: `npm run bench:plugin [-- --quick]`. Linux only, loopback only, stops by itself.
 */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Load, LoadResult } from './plugin/kong-load';
import { processorSeconds, residentMebibytes } from './plugin/process-usage';

const isQuick = process.argv.includes('--quick');
const saturationEvents = isQuick ? 100_000 : 300_000;
const soakEvents = isQuick ? 200_000 : 10_000_000;
const soakSeconds = Number(process.env.BENCH_SOAK_SECONDS ?? 1_200);
const connections = 64;
const directory = mkdtempSync(join(tmpdir(), 'tg-bench-'));
const root = join(__dirname, '..');
const children = new Set<ChildProcess>();

interface Figures {
  readonly eventsPerSecond: number;
  /** Events a second that one fully used core would take: events by processor seconds of the server. */
  readonly eventsPerCore: number;
  readonly processorMicrosPerEvent: number;
  readonly handlerMicros?: number;
  readonly acknowledgementP50Micros: number;
  readonly acknowledgementP99Micros: number;
}

interface Target {
  readonly name: string;
  readonly command: readonly string[];
  readonly socket: string;
}

/** Takes batches and counts their events, doing as little as it can. */
class CountingSink {
  events = 0;
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const raw = Buffer.concat(chunks);
        this.count(request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw);
        response.writeHead(204).end();
      });
    });
  }

  listen(): Promise<string> {
    return new Promise((resolve) => {
      this.server.listen(0, '127.0.0.1', () => {
        resolve(`http://127.0.0.1:${(this.server.address() as AddressInfo).port}/api/v1/events`);
      });
    });
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private count(body: Buffer): void {
    for (let at = body.indexOf('"specversion"'); at !== -1; at = body.indexOf('"specversion"', at + 1)) {
      this.events += 1;
    }
  }
}

async function until(what: string, condition: () => boolean, seconds: number): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function start(target: Target): Promise<ChildProcess> {
  rmSync(target.socket, { force: true });
  const child = spawn(process.execPath, [...target.command], { stdio: ['ignore', 'ignore', 'pipe'] });
  children.add(child);
  child.stderr?.on('data', (text: Buffer) => {
    const port = /"port":(\d+)/.exec(String(text))?.[1];
    if (port) observationPorts.set(child, Number(port));
    else process.stderr.write(text);
  });
  await until(`${target.name} listens`, () => existsSync(target.socket), 20);
  return child;
}

function stop(child: ChildProcess): Promise<void> {
  children.delete(child);
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

/** Runs a load from one or more processes at once. */
async function drive(loads: readonly Load[]): Promise<LoadResult[]> {
  return Promise.all(
    loads.map((load) => {
      const child = fork(join(__dirname, 'plugin/kong-load.ts'), { execArgv: ['--import', 'tsx'] });
      children.add(child);
      return new Promise<LoadResult>((resolve, reject) => {
        child.once('message', (result) => {
          children.delete(child);
          child.kill('SIGKILL');
          resolve(result as LoadResult);
        });
        child.once('exit', (code) => reject(new Error(`the load generator ended with ${code}`)));
        child.send(load);
      });
    }),
  );
}

/** Where each Tollgate server shows its metrics. */
const observationPorts = new WeakMap<ChildProcess, number>();

/** Mean time from the log entry to its acknowledgement inside the server, in microseconds. */
async function handlerMicros(server: ChildProcess): Promise<number | undefined> {
  const port = observationPorts.get(server);
  if (port === undefined) return undefined;
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1]);
  return Math.round((value('tollgate_handler_seconds_sum') / value('tollgate_handler_seconds_count')) * 1e6);
}

let loadNumber = 0;

async function measure(target: Target, endpoint: string, events: number, rate?: number): Promise<Figures> {
  const child = await start(target);
  const config = {
    ingest_endpoint: endpoint,
    api_token: 'bench',
    journal: { directory: join(directory, 'stock') },
  };
  const load = (count: number, pace?: number): Load => {
    loadNumber += 1;
    return {
      socket: target.socket,
      connections,
      events: count,
      config,
      prefix: `${loadNumber}-`,
      ...(pace ? { rate: pace } : {}),
    };
  };
  await drive([load(20_000)]);
  const before = processorSeconds(child.pid as number);
  const [result] = await drive([load(events, rate)]);
  const used = processorSeconds(child.pid as number) - before;
  const handler = await handlerMicros(child);
  await stop(child);
  const { seconds, acknowledgementMicros } = result as LoadResult;
  return {
    eventsPerSecond: Math.round(events / seconds),
    eventsPerCore: Math.round(events / used),
    processorMicrosPerEvent: Math.round((used / events) * 1e7) / 10,
    ...(handler === undefined ? {} : { handlerMicros: handler }),
    acknowledgementP50Micros: Math.round(acknowledgementMicros[0] as number),
    acknowledgementP99Micros: Math.round(acknowledgementMicros[1] as number),
  };
}

/**
 * Resident memory after each twentieth of the events, and whether all arrived. Ends early, and says with how many
 * events, when `soakSeconds` are over: a busy machine must not make the bench endless.
 */
async function soak(target: Target, endpoint: string, sink: CountingSink): Promise<Record<string, number>> {
  const child = await start(target);
  const config = { ingest_endpoint: endpoint, api_token: 'bench' };
  const before = sink.events;
  const startedAt = performance.now();
  const resident: number[] = [];
  let sent = 0;
  while (sent < soakEvents && performance.now() - startedAt < soakSeconds * 1000) {
    loadNumber += 1;
    const events = soakEvents / 20;
    await drive([{ socket: target.socket, connections, events, config, prefix: `${loadNumber}-` }]);
    sent += events;
    resident.push(Math.round(residentMebibytes(child.pid as number)));
  }
  await until('all events are delivered', () => sink.events - before >= sent, 120);
  await stop(child);
  return {
    events: sent,
    delivered: sink.events - before,
    seconds: Math.round((performance.now() - startedAt) / 1000),
    residentFirstMiB: resident[0] as number,
    residentHighestMiB: Math.max(...resident),
    residentLastMiB: resident.at(-1) as number,
  };
}

async function main(): Promise<void> {
  execFileSync(process.execPath, [join(root, 'plugin/scripts/build.mjs')], {
    env: { ...process.env, TOLLGATE_BUILD_DIRECTORY: join(directory, 'dist') },
    stdio: 'inherit',
  });
  const sink = new CountingSink();
  const endpoint = await sink.listen();
  const server = join(directory, 'dist/server/tollgate-plugin-server.js');
  const tollgate = (name: string, ...extra: string[]): Target => {
    const socket = join(directory, `${name}.sock`);
    const args = [
      '--socket',
      socket,
      '--journal',
      join(directory, `journal-${name}`),
      '--port',
      '0',
      ...extra,
    ];
    return { name, socket, command: [server, ...args] };
  };
  const stock = join(root, 'node_modules/kong-pdk/bin/kong-js-pluginserver');
  mkdirSync(join(directory, 'stock'));
  const targets: Target[] = [
    {
      name: 'floor',
      socket: join(directory, 'floor.sock'),
      command: ['--import', 'tsx', join(__dirname, 'plugin/floor-server.ts'), join(directory, 'floor.sock')],
    },
    {
      name: 'kong-pdk',
      socket: join(directory, 'stock.sock'),
      command: [stock, '-d', join(directory, 'dist/plugin'), '-p', directory, '--sock-name', 'stock.sock'],
    },
    tollgate('tollgate'),
    { ...tollgate('two', '--processes', '2'), name: 'tollgate, 2 processes' },
  ];
  const figures: Record<string, Figures> = {};
  for (const target of targets) figures[target.name] = await measure(target, endpoint, saturationEvents);
  const [one, two] = [figures.tollgate as Figures, figures['tollgate, 2 processes'] as Figures];
  const halfRate = Math.round(one.eventsPerSecond / 2);
  for (const { name, ...target } of [targets[0], targets[1], tollgate('half')] as Target[]) {
    const label = `${name} at ${halfRate}/s`;
    figures[label] = await measure({ name, ...target }, endpoint, halfRate * (isQuick ? 5 : 20), halfRate);
  }
  const memory = await soak(tollgate('soak'), endpoint, sink);
  console.table(figures);
  console.table({ memory });
  const summary = {
    benchmark: 'plugin',
    connections,
    figures,
    timesBaseline: round(one.eventsPerCore / (figures['kong-pdk'] as Figures).eventsPerCore),
    // Load generator and server share the cores here, so wall-clock cannot show what two free cores would do.
    twoProcessesTimesOneByProcessorTime: round((2 * two.eventsPerCore) / one.eventsPerCore),
    memory,
  };
  sink.close();
  console.log(JSON.stringify(summary));
}

const round = (value: number): number => Math.round(value * 100) / 100;

main()
  .catch((error: Error) => {
    process.stderr.write(`${error.stack}\n${error.cause ?? ''}\n`);
    process.exitCode = 1;
  })
  .finally(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });
