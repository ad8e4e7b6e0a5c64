import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from './database';
import { StorageError } from './errors';

/** Where the numbered files stand, in the source tree and in the package alike. */
export const migrationsDirectory = join(__dirname, '../../migrations');

export interface Migration {
  number: number;
  name: string;
  sql: string;
}

export interface MigrationState {
  applied: number[];
  pending: Migration[];
  /** Applied by a newer version; this one works beside them. */
  ahead: number[];
}

/** The migrations on disk, in the order of their numbers. */
export const readMigrations = (directory = migrationsDirectory): Migration[] =>
  readdirSync(directory)
    .filter((file) => /^\d{4}-[a-z0-9-]+\.sql$/.test(file))
    .sort()
    .map((file) => ({
      number: Number(file.slice(0, 4)),
      name: file.slice(0, -4),
      sql: readFileSync(join(directory, file), 'utf8'),
    }));

const ledger = `CREATE TABLE IF NOT EXISTS schema_migration (
  number integer PRIMARY KEY,
  name text NOT NULL,
  applied_at bigint NOT NULL
)`;

/** Serialises replicas that start at the same time. Any constant does; it is this one for ever. */
const migrationLock = 7_210_001;

/** CREATE TABLE IF NOT EXISTS by itself fails when two do it at the same moment. */
const makeLedger = (database: Database): Promise<void> =>
  database.transaction(async (transaction) => {
    await transaction.query(`SELECT pg_advisory_xact_lock(${migrationLock})`);
    await transaction.query(ledger);
  });

const appliedNumbers = async (database: Database): Promise<number[]> => {
  const { rows } = await database.query<{ number: number }>(
    'SELECT number FROM schema_migration ORDER BY number',
  );
  return rows.map((row) => row.number);
};

/** What is applied and what is not, without changing anything but creating the empty ledger. */
export const migrationState = async (
  database: Database,
  migrations = readMigrations(),
): Promise<MigrationState> => {
  await makeLedger(database);
  const applied = await appliedNumbers(database);
  const known = new Set(migrations.map(({ number }) => number));
  return {
    applied,
    pending: migrations.filter(({ number }) => !applied.includes(number)),
    ahead: applied.filter((number) => !known.has(number)),
  };
};

/**
 * Migrations only add, so a version works with the schema of a newer one, which is what lets replicas be replaced one by
 * one. A migration that breaks older versions says so in schema_floor.
 * @throws StorageError `schema_ahead` when this version is older than what the schema asks for
 */
const refuseIfTooOld = async (database: Database, migrations: readonly Migration[]): Promise<void> => {
  const { rows } = await database.query<{ has: boolean }>(
    "SELECT to_regclass('schema_floor') IS NOT NULL AS has",
  );
  if (!rows[0]?.has) return;
  const floors = await database.query<{ number: number }>('SELECT number FROM schema_floor');
  const floor = floors.rows[0]?.number ?? 0;
  const newest = Math.max(0, ...migrations.map(({ number }) => number));
  if (newest >= floor) return;
  throw new StorageError(
    `a newer version has migrated this database beyond what this one can work with: it must know migration ${floor}, and its newest is ${newest}. Start the newer version, or restore a backup from before the upgrade`,
    'schema_ahead',
    false,
  );
};

/**
 * Applies what is pending, each file in a transaction of its own, and returns the names applied.
 * @throws StorageError `migration_failed` naming the file; earlier files stay applied. `schema_ahead` when a newer version
 *   has made the schema one that this version cannot work with.
 */
export const migrate = async (database: Database, migrations = readMigrations()): Promise<string[]> => {
  await makeLedger(database);
  await refuseIfTooOld(database, migrations);
  const names: string[] = [];
  for (const migration of migrations) {
    try {
      const isNew = await database.transaction(async (transaction) => {
        await transaction.query(`SELECT pg_advisory_xact_lock(${migrationLock})`);
        const { rows } = await transaction.query('SELECT 1 FROM schema_migration WHERE number = $1', [
          migration.number,
        ]);
        if (rows.length > 0) return false;
        for (const statement of statementsOf(migration.sql)) await transaction.query(statement);
        await transaction.query(
          'INSERT INTO schema_migration (number, name, applied_at) VALUES ($1, $2, $3)',
          [migration.number, migration.name, Date.now()],
        );
        return true;
      });
      if (isNew) names.push(migration.name);
    } catch (error) {
      throw new StorageError(
        `migration ${migration.name} failed: ${(error as Error).message}`,
        'migration_failed',
        false,
        error,
      );
    }
  }
  return names;
};

/** Statements of a migration file; a line that holds only `--;` ends one, so that function bodies may hold semicolons. */
export const statementsOf = (sql: string): string[] => {
  const parts = sql.includes('\n--;') ? sql.split(/^--;\s*$/m) : sql.split(/;\s*$/m);
  return parts.map((part) => part.trim()).filter((part) => part.replace(/--.*$/gm, '').trim() !== '');
};
