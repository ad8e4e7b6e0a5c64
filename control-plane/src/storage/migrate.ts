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
  await database.script(ledger);
  const applied = await appliedNumbers(database);
  return { applied, pending: migrations.filter(({ number }) => !applied.includes(number)) };
};

/**
 * Applies what is pending, each file in a transaction of its own, and returns the names applied.
 * @throws StorageError `migration_failed` naming the file; earlier files stay applied.
 */
export const migrate = async (database: Database, migrations = readMigrations()): Promise<string[]> => {
  await database.script(ledger);
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
