import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(__dirname, '..');
/** By its address, since a child may run in another folder. */
const tsx = pathToFileURL(require.resolve('tsx')).href;

export interface Child {
  name: string;
  process: ChildProcess;
  /** Sends the signal and waits for the end; a process that has ended already is fine. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface ChildOptions {
  name: string;
  /** A TypeScript file of this repository. */
  script: string;
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Working folder; the repository's root by default. */
  cwd?: string;
  logFile: string;
  /** Resolves the start: called with all of the child's output so far, true when it is ready. */
  isReady: (output: string) => boolean;
}

/** Milliseconds a process may take to start on a slow machine. */
const startLimitMs = 60_000;

/** Starts a process of this repository from source and waits until it is ready. Its output goes to the log file. */
export const startChild = ({
  name,
  script,
  args = [],
  env = {},
  cwd = root,
  logFile,
  isReady,
}: ChildOptions): Promise<Child> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', tsx, join(root, script), ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<void>((end) => child.once('exit', () => end()));
    let output = '';
    const limit = setTimeout(() => fail(`did not start within ${startLimitMs / 1000} s`), startLimitMs);
    const fail = (reason: string): void => {
      clearTimeout(limit);
      child.kill('SIGKILL');
      reject(new Error(`${name} ${reason}; its log is ${logFile}\n${output.slice(-2_000)}`));
    };
    const take = (chunk: Buffer): void => {
      appendFileSync(logFile, chunk);
      output += chunk.toString('utf8');
      if (!isReady(output)) return;
      clearTimeout(limit);
      child.stdout.off('data', take);
      child.stderr.off('data', take);
      child.stdout.on('data', (more: Buffer) => appendFileSync(logFile, more));
      child.stderr.on('data', (more: Buffer) => appendFileSync(logFile, more));
      child.off('exit', exitedEarly);
      resolve({
        name,
        process: child,
        stop: async (signal = 'SIGTERM') => {
          if (child.exitCode === null && child.signalCode === null) child.kill(signal);
          await ended;
        },
      });
    };
    const exitedEarly = (code: number | null): void => fail(`ended with status ${code}`);
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('exit', exitedEarly);
  });
