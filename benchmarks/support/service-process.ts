/** The processes that a bench measures and loads. */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { processorSeconds } from '../plugin/process-usage';
import type { Load, LoadResult } from './http-load';

export const benchToken = 'bench-token-0123456789';
const root = join(__dirname, '..', '..');
const packageFolder = join(root, 'control-plane');
const maximumStartMs = 60_000;
const maximumLines = 1_000;
const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

export interface Service {
  pid: number;
  port: number;
  /** Most resident memory so far, bytes (Linux: VmHWM; 0 elsewhere). */
  peakResidentBytes(): number;
  /** Ends when the service has logged a line with this message. */
  logged(message: string): Promise<void>;
  stop(): Promise<void>;
}

const follow = (child: ChildProcess): void => {
  children.add(child);
  child.once('exit', () => children.delete(child));
};

const serviceOf = (child: ChildProcess, port: number, lines: readonly string[] = []): Service => ({
  pid: child.pid!,
  port,
  peakResidentBytes: () => {
    try {
      const kibibytes = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))?.[1];
      return Number(kibibytes ?? 0) * 1_024;
    } catch {
      return 0;
    }
  },
  logged: async (message) => {
    const deadline = performance.now() + maximumStartMs * 5;
    while (!lines.some((line) => line.includes(`"msg":"${message}"`))) {
      if (performance.now() > deadline) throw new Error(`the service did not log "${message}"`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  },
  stop: () =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('exit', () => resolve());
      child.kill('SIGTERM');
    }),
});

/** Builds the control plane as its package and its image hold it, once a folder, and returns the file that starts it. */
const buildProgram = (directory: string): string => {
  const program = join(directory, 'program');
  const main = join(program, 'dist/main.js');
  if (existsSync(main)) return main;
  mkdirSync(program, { recursive: true });
  for (const part of ['migrations', 'package.json'])
    symlinkSync(join(packageFolder, part), join(program, part));
  execFileSync(process.execPath, [join(packageFolder, 'scripts/build.mjs'), join(program, 'dist')]);
  return main;
};

/**
 * The built control plane on a free port, as its image runs it: compiling sources at start would count as its memory.
 * Without a database address it keeps its data in `directory`.
 */
export const startControlPlane = (
  directory: string,
  databaseUrl: string | undefined,
  environment: Record<string, string> = {},
): Promise<Service> => {
  const flags = ['--max-semi-space-size=32', '--max-old-space-size=1024'];
  const child = spawn(process.execPath, [...flags, buildProgram(directory)], {
    // Away from the repository, whose tollgate.yml would be applied.
    cwd: directory,
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      NODE_PATH: [packageFolder, root].map((folder) => join(folder, 'node_modules')).join(delimiter),
      ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}),
      TOLLGATE_DATA_DIRECTORY: directory,
      TOLLGATE_API_TOKEN: benchToken,
      TOLLGATE_PORT: '0',
      ...environment,
    },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  follow(child);
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error('the control plane did not start')), maximumStartMs);
    child.once('exit', (status) => reject(new Error(`the control plane ended with status ${status}`)));
    const lines: string[] = [];
    createInterface({ input: child.stderr! }).on('line', (line) => {
      if (lines.length < maximumLines) lines.push(line);
      const url = /"url":"http:\/\/[^"]*:(\d+)"/.exec(line)?.[1];
      if (!url) {
        // Warnings and errors belong into the bench's own output.
        if (!/"level":[1-3]0/.test(line)) process.stderr.write(`${line}\n`);
        return;
      }
      clearTimeout(limit);
      resolve(serviceOf(child, Number(url), lines));
    });
  });
};

export const startNaiveService = (databaseUrl: string): Promise<Service> => {
  const child = fork(join(__dirname, 'naive-service.ts'), {
    execArgv: ['--import', 'tsx'],
    env: { PATH: process.env.PATH, DATABASE_URL: databaseUrl },
  });
  follow(child);
  return new Promise((resolve, reject) => {
    child.once('exit', (status) => reject(new Error(`the naive service ended with status ${status}`)));
    child.once('message', (message) => resolve(serviceOf(child, (message as { port: number }).port)));
  });
};

/** Processor seconds of children that have ended (Linux): connections of PostgreSQL come and go. */
const endedChildrenSeconds = (pid: number): number => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[13]) + Number(fields[14])) / 100;
  } catch {
    return 0;
  }
};

/** What a load cost, in processor time: on shared cores the measure that holds still. */
export interface MeasuredLoad extends LoadResult {
  eventsPerSecond: number;
  serverMicrosPerEvent: number;
  postgresMicrosPerEvent: number | undefined;
  loadMicrosPerEvent: number;
}

/** Runs a load in a process of its own against a service. */
export const runLoad = async (
  service: Service,
  load: Omit<Load, 'port' | 'path' | 'token'>,
  postgresPid?: number,
): Promise<MeasuredLoad> => {
  const child = fork(join(__dirname, 'http-load.ts'), { execArgv: ['--import', 'tsx'] });
  follow(child);
  const usedBy = () => [
    processorSeconds(service.pid),
    postgresPid ? processorSeconds(postgresPid) + endedChildrenSeconds(postgresPid) : 0,
    processorSeconds(child.pid!),
  ];
  let before: number[] = [];
  const timer = setTimeout(
    () => {
      before = usedBy();
    },
    load.warmUpSeconds * 1_000 + 400,
  );
  let after: number[] = [];
  const last = setTimeout(
    () => {
      after = usedBy();
    },
    (load.warmUpSeconds + load.seconds) * 1_000 - 100,
  );
  try {
    const result = await new Promise<LoadResult>((resolve, reject) => {
      child.once('message', (message) => resolve(message as LoadResult));
      child.once('exit', (status) => reject(new Error(`the load generator ended with status ${status}`)));
      child.send({ ...load, port: service.port, path: '/api/v1/events', token: benchToken });
    });
    const eventsPerSecond = result.events / result.seconds;
    const span = load.seconds - 0.5;
    const micros = after.map((used, index) => ((used - before[index]!) * 1e6) / (eventsPerSecond * span));
    return {
      ...result,
      eventsPerSecond,
      serverMicrosPerEvent: micros[0] ?? 0,
      postgresMicrosPerEvent: postgresPid ? micros[1] : undefined,
      loadMicrosPerEvent: micros[2] ?? 0,
    };
  } finally {
    clearTimeout(timer);
    clearTimeout(last);
  }
};
