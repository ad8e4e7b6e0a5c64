import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Database } from '../../src/storage';
import { migrate } from '../../src/storage/migrate';
import { openNodePostgres } from '../../src/storage/postgres/node-postgres';
import { openPglite } from '../../src/storage/postgres/pglite';

/** A storage that a suite runs on; `open` gives a fresh, migrated database and the way to remove it. */
export interface TestStorage {
  kind: 'pglite' | 'postgres';
  open(): Promise<TestDatabase>;
}

export interface TestDatabase {
  database: Database;
  /** For processes of their own; undefined for the embedded database in memory. */
  url: string | undefined;
  drop(): Promise<void>;
}

const serverUrl = process.env.TEST_DATABASE_URL;

/** The migrated database that the run made once, or undefined outside of a run. */
const template = (): Blob | undefined => {
  const file = process.env.TOLLGATE_TEST_TEMPLATE;
  return file ? new Blob([new Uint8Array(readFileSync(file))]) : undefined;
};

const embedded: TestStorage = {
  kind: 'pglite',
  open: async () => {
    const database = await openPglite(undefined, template());
    await migrate(database);
    return { database, url: undefined, drop: () => database.close() };
  },
};

/** Databases of a server get names of their own and are dropped afterwards; nothing else on the server is touched. */
const server = (adminUrl: string): TestStorage => ({
  kind: 'postgres',
  open: async () => {
    const name = `tollgate_test_${process.pid}_${randomBytes(4).toString('hex')}`;
    const admin = openNodePostgres({ connectionString: adminUrl, maximumConnections: 1 });
    await admin.script(`CREATE DATABASE ${name}`);
    const url = new URL(adminUrl);
    url.pathname = `/${name}`;
    const database = openNodePostgres({ connectionString: url.href });
    await migrate(database);
    return {
      database,
      url: url.href,
      drop: async () => {
        await database.close();
        await admin.script(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
        await admin.close();
      },
    };
  },
});

export const testStorages: readonly TestStorage[] = serverUrl ? [embedded, server(serverUrl)] : [embedded];

/**
 * Runs a suite on the embedded database and, where TEST_DATABASE_URL names a server, on that as well. Without it the half
 * is left out and says so once a file; with REQUIRE_TEST_DATABASE that is a failure.
 */
export const describeOnEachStorage = (name: string, suite: (storage: TestStorage) => void): void => {
  for (const storage of testStorages) describe(`${name} [${storage.kind}]`, () => suite(storage));
  if (serverUrl) return;
  if (process.env.REQUIRE_TEST_DATABASE) {
    it(`${name} runs on a PostgreSQL server`, () => {
      throw new Error('REQUIRE_TEST_DATABASE is set, but TEST_DATABASE_URL names no server');
    });
    return;
  }
  process.stderr.write(
    `${name}: the half on a PostgreSQL server is left out, TEST_DATABASE_URL is not set\n`,
  );
};
