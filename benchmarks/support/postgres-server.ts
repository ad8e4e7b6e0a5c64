/** A PostgreSQL server for a bench: the one DATABASE_URL names, or one of its own in a temporary folder. */
import { openNodePostgres } from '../../control-plane/src/storage/postgres/node-postgres';
import { startOwnPostgres } from './own-postgres';

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
 * @param directory an existing temporary folder of the bench; the server's data goes below it
 * @throws Error when neither DATABASE_URL nor PostgreSQL's programs are there
 */
export const startPostgres = async (directory: string): Promise<BenchPostgres> => {
  const given = process.env.DATABASE_URL;
  if (given) return connectedTo(given, undefined, async () => undefined);
  const own = await startOwnPostgres(directory);
  return connectedTo(own.url, own.pid(), own.stop);
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
