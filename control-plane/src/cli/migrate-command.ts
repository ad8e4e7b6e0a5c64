import { readConfiguration } from '../config/configuration';
import { migrate, migrationState } from '../storage/migrate';
import { openDatabase } from '../storage/open-database';
import { exitStatus } from './exit-status';
import type { Terminal } from './terminal';

/** `tollgate migrate`: applies what is pending; with `--check` only says what is, and exits 2 when there is any. */
export const migrateCommand = async (isCheck: boolean, terminal: Terminal): Promise<number> => {
  const configuration = readConfiguration(terminal.environment);
  const database = await openDatabase({
    databaseUrl: configuration.databaseUrl,
    dataDirectory: configuration.dataDirectory,
    maximumConnections: configuration.databaseConnections,
    onIdleError: (error) => terminal.error.write(`a database connection broke: ${error.message}\n`),
  });
  try {
    if (isCheck) {
      const { pending } = await migrationState(database);
      for (const { name } of pending) terminal.out.write(`pending ${name}\n`);
      return pending.length === 0 ? exitStatus.done : exitStatus.mistaken;
    }
    const applied = await migrate(database);
    for (const name of applied) terminal.out.write(`applied ${name}\n`);
    if (applied.length === 0) terminal.out.write('nothing to apply\n');
    return exitStatus.done;
  } finally {
    await database.close();
  }
};
