/** A PostgreSQL server for a bench: the one DATABASE_URL names, or one of its own in a temporary folder. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { totalmem } from 'node:os';
import { delimiter, join } from 'node:path';
import { openNodePostgres } from '../../control-plane/src/storage/postgres/node-postgres';

export interface BenchPostgres {
  /** Process to read processor time of; undefined for a server that was there before. */
  pid: number | undefined;
  /** Version and the settings that matter, for the report. */
  description: string;
  /** Makes a fresh, empty database and returns its address. */
  createDatabase(name: string): Promise<string>;
  dropDatabase(name: string): Promise<void>;
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

const findBinaries = (): string | undefined =>
  binaryFolders().find(
    (folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
  );

/** PostgreSQL refuses to run as root; its package's own account is used then. */
const account = (): { uid: number; gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
};

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/**
 * @param directory an existing temporary folder of the bench; the server's data goes below it
 * @throws Error when neither DATABASE_URL nor PostgreSQL's programs are there
 */
export const startPostgres = async (directory: string): Promise<BenchPostgres> => {
  const given = process.env.DATABASE_URL;
  if (given) return connectedTo(given, undefined, async () => undefined);
  const binaries = findBinaries();
  if (!binaries) {
    throw new Error('set DATABASE_URL, or install PostgreSQL (initdb and postgres are in no known folder)');
  }
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
  const port = await freePort();
  const options = {
    ...settings,
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
  };
  const server = spawn(
    join(binaries, 'postgres'),
    ['-D', data, ...Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { ...user, cwd: data, stdio: ['ignore', 'ignore', 'ignore'] },
  );
  // Whatever ends the bench ends its server.
  const kill = () => server.kill('SIGQUIT');
  process.once('exit', kill);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  await accepting(url, server);
  return connectedTo(url, server.pid, async () => {
    process.off('exit', kill);
    await ended(server, 'SIGINT');
  });
};

const ended = (server: ChildProcess, signal: NodeJS.Signals): Promise<void> =>
  new Promise((resolve) => {
    if (server.exitCode !== null) return resolve();
    server.once('exit', () => resolve());
    server.kill(signal);
  });

const accepting = async (url: string, server: ChildProcess): Promise<void> => {
  const deadline = performance.now() + maximumStartSeconds * 1_000;
  for (;;) {
    const admin = openNodePostgres({ connectionString: url, maximumConnections: 1 });
    try {
      await admin.query('SELECT 1');
      return;
    } catch (error) {
      if (server.exitCode !== null || performance.now() > deadline) {
        throw new Error('the PostgreSQL server of the bench did not start', { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    } finally {
      await admin.close();
    }
  }
};

const reported = [
  'server_version',
  'shared_buffers',
  'max_wal_size',
  'wal_compression',
  'fsync',
  'synchronous_commit',
];

const connectedTo = async (
  url: string,
  pid: number | undefined,
  stopServer: () => Promise<void>,
): Promise<BenchPostgres> => {
  const admin = openNodePostgres({ connectionString: url, maximumConnections: 1 });
  const { rows } = await admin.query<{ name: string; value: string }>(
    `SELECT name, current_setting(name) AS value FROM unnest($1::text[]) AS name`,
    [admin.arrays.text(reported)],
  );
  const drop = (name: string) => admin.script(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  return {
    pid,
    description: rows.map(({ name, value }) => `${name}=${value}`).join(' '),
    createDatabase: async (name) => {
      await drop(name);
      await admin.script(`CREATE DATABASE ${name}`);
      const address = new URL(url);
      address.pathname = `/${name}`;
      return address.href;
    },
    dropDatabase: drop,
    stop: async () => {
      await admin.close();
      await stopServer();
    },
  };
};
