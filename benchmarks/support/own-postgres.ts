/** A PostgreSQL server of one's own in a temporary folder, which may be killed and started again. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { totalmem } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { openNodePostgres } from '../../control-plane/src/storage/postgres/node-postgres';
import { freePorts } from '../../demo/free-ports';

export interface OwnPostgres {
  /** Address of the database `postgres`. */
  url: string;
  /** Folder of its data. */
  data: string;
  pid(): number;
  /** Starts it on its data, after a kill or on another state of the folder; ends when it answers. */
  start(): Promise<void>;
  /** SIGKILL of the postmaster, as after a loss of power; its backends end when they notice. */
  kill(): Promise<void>;
  /** Ends sessions, writes everything out and stops. */
  stop(): Promise<void>;
}

/**
 * The settings that docs/operations.md recommends: a quarter of the memory for the cache, and room for the log between two
 * checkpoints. Everything else is PostgreSQL's default, fsync and synchronous_commit included.
 */
const settings: Record<string, string> = {
  shared_buffers: `${Math.min(4_096, Math.floor(totalmem() / 2 ** 22))}MB`,
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
};

const maximumStartSeconds = 30;

/** Folders that may hold initdb and postgres: the PATH and where Debian's and Homebrew's packages put them. */
const binaryFolders = (): string[] => {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  return [
    ...(process.env.PATH ?? '').split(delimiter),
    ...versions.map((version) => join(debian, version, 'bin')),
    '/opt/homebrew/bin',
    '/usr/local/pgsql/bin',
  ];
};

/**
 * The folder that holds PostgreSQL's programs, those of one version (initdb, postgres, pg_dump, pg_basebackup), or undefined.
 * A folder of the PATH may hold links to some of them only, so links are followed.
 */
export const findBinaries = (): string | undefined => {
  const found = binaryFolders().find(
    (folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
  );
  return found === undefined ? undefined : dirname(realpathSync(join(found, 'initdb')));
};

/** PostgreSQL refuses to run as root; its package's own account is used then. */
export const account = (): { uid: number; gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
};

export interface OwnPostgresOptions {
  /** Settings over those of docs/operations.md. */
  settings?: Readonly<Record<string, string>>;
  /** A folder of data that is there already, such as a base backup; without it a new one is made. */
  data?: string;
}

/**
 * @param directory an existing temporary folder; the server's data goes below it
 * @throws Error when PostgreSQL's programs are in no known folder
 */
export const startOwnPostgres = async (
  directory: string,
  options: OwnPostgresOptions = {},
): Promise<OwnPostgres> => {
  const binaries = findBinaries();
  if (!binaries) {
    throw new Error('install PostgreSQL: initdb and postgres are in no known folder');
  }
  const user = account();
  const data = options.data ?? initialise(binaries, directory);
  const [port] = (await freePorts(1)) as [number];
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const arguments_ = Object.entries({
    ...settings,
    ...options.settings,
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  let server: ChildProcess | undefined;
  // Whatever ends the run ends its server.
  process.once('exit', () => server?.kill('SIGQUIT'));
  const start = async (): Promise<void> => {
    const deadline = performance.now() + maximumStartSeconds * 1_000;
    do {
      server = spawn(join(binaries, 'postgres'), ['-D', data, ...arguments_], {
        ...user,
        cwd: data,
        stdio: 'ignore',
      });
      // Backends of a killed postmaster hold its memory for a moment, and the next one refuses to start beside them.
      if (await accepting(url, server, deadline)) return;
    } while (performance.now() < deadline);
    throw new Error('PostgreSQL did not start');
  };
  await start();
  return {
    url,
    data,
    pid: () => server!.pid!,
    start,
    kill: () => ended(server, 'SIGKILL'),
    stop: () => ended(server, 'SIGINT'),
  };
};

const initialise = (binaries: string, directory: string): string => {
  const user = account();
  const data = join(directory, 'postgres');
  mkdirSync(data, { mode: 0o700 });
  if (user) {
    chmodSync(directory, 0o755);
    chownSync(data, user.uid, user.gid);
  }
  const made = spawnSync(
    join(binaries, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale'],
    { ...user, cwd: data, encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  return data;
};

const ended = (server: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> =>
  new Promise((resolve) => {
    if (!server || server.exitCode !== null || server.signalCode !== null) return resolve();
    server.once('exit', () => resolve());
    server.kill(signal);
  });

/** Whether it answers before the deadline; false as soon as it has ended. */
const accepting = async (url: string, server: ChildProcess, deadline: number): Promise<boolean> => {
  while (server.exitCode === null && server.signalCode === null && performance.now() < deadline) {
    const admin = openNodePostgres({ connectionString: url, maximumConnections: 1 });
    try {
      await admin.query('SELECT 1');
      return true;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    } finally {
      await admin.close();
    }
  }
  return false;
};
