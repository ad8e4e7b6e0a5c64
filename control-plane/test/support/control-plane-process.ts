import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { testToken } from './test-app';
import { waitUntil } from './wait-until';

export interface ControlPlaneProcess {
  url: string;
  /** SIGKILL: no handler runs, nothing is flushed. */
  kill(): Promise<void>;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>;
}

export interface ControlPlaneProcessOptions {
  /** Undefined for the embedded database in `dataDirectory`. */
  databaseUrl: string | undefined;
  /** Also the working directory, so that no tollgate.yml is found by accident. */
  dataDirectory: string;
  port: number;
  environment?: Record<string, string>;
}

const main = join(__dirname, '../../src/main.ts');

/** The control plane in a process of its own, ready; its token is the tests'. */
export const startControlPlaneProcess = async (
  options: ControlPlaneProcessOptions,
): Promise<ControlPlaneProcess> => {
  const { PATH } = process.env;
  const child = spawn(
    process.execPath,
    ['--import', pathToFileURL(require.resolve('tsx')).href, main, 'serve'],
    {
      cwd: options.dataDirectory,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...(PATH === undefined ? {} : { PATH }),
        TOLLGATE_PORT: String(options.port),
        TOLLGATE_API_TOKEN: testToken,
        TOLLGATE_DATA_DIRECTORY: options.dataDirectory,
        TOLLGATE_LOG_LEVEL: 'error',
        ...(options.databaseUrl ? { DATABASE_URL: options.databaseUrl } : {}),
        ...options.environment,
      },
    },
  );
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString('utf8')).slice(-4_096);
  });
  const url = `http://127.0.0.1:${options.port}`;
  await waitUntil(
    'the control plane is ready',
    async () => {
      if (child.exitCode !== null) throw new Error(`the control plane ended: ${errors}`);
      return fetch(`${url}/readyz`).then(
        (response) => response.ok,
        () => false,
      );
    },
    60_000,
  );
  return { url, kill: () => endWith(child, 'SIGKILL'), stop: () => endWith(child, 'SIGTERM') };
};

const endWith = (child: ChildProcess, signal: NodeJS.Signals): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill(signal);
  });
