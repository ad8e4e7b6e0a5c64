import type { Configuration } from '../../config/configuration';
import { migrationState } from '../../storage/migrate';
import { openDatabase } from '../../storage/open-database';
import { type Finding, failed, ok, reasonOf, skewFinding, skipped } from './finding';

/** The database that the configuration names: reachable, migrated, with the right time. */
export const checkDatabase = async (configuration: Configuration, now: () => number): Promise<Finding[]> => {
  if (!configuration.databaseUrl) {
    return [skipped('database', 'embedded: the server alone opens it, see the check "server"')];
  }
  const database = await openDatabase({
    databaseUrl: configuration.databaseUrl,
    dataDirectory: configuration.dataDirectory,
    maximumConnections: 2,
    onIdleError: () => undefined,
  });
  try {
    const before = now();
    const { rows } = await database.query<{ now: number; version: string }>(
      `SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now,
              current_setting('server_version') AS version`,
    );
    const [row] = rows;
    return [
      ok('database', `PostgreSQL ${row!.version} answers`),
      skewFinding('database clock', row!.now, before, now(), 1),
      await checkMigrations(database),
    ];
  } catch (error) {
    return [
      failed(
        'database',
        `no answer: ${reasonOf(error)}`,
        'start PostgreSQL, or correct host, port, user and password in DATABASE_URL',
      ),
    ];
  } finally {
    await database.close();
  }
};

const checkMigrations = async (database: Parameters<typeof migrationState>[0]): Promise<Finding> => {
  const { pending } = await migrationState(database);
  if (pending.length === 0) return ok('migrations', 'all are applied');
  const names = pending.map(({ name }) => name).join(', ');
  return failed('migrations', `pending: ${names}`, 'run `tollgate migrate`, or start the server, which does');
};
