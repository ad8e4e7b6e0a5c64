import { join } from 'node:path';
import type { Database } from './database';
import { openNodePostgres } from './postgres/node-postgres';
import { openPglite } from './postgres/pglite';

export interface OpenDatabaseOptions {
  /** PostgreSQL to connect to; the embedded one is opened without it. */
  databaseUrl: string | undefined;
  /** Where the embedded one keeps its data. */
  dataDirectory: string;
  maximumConnections: number;
  onIdleError: (error: Error) => void;
}

/** Opens the storage that the configuration asks for. */
export const openDatabase = async (options: OpenDatabaseOptions): Promise<Database> =>
  options.databaseUrl
    ? openNodePostgres({
        connectionString: options.databaseUrl,
        maximumConnections: options.maximumConnections,
        onIdleError: options.onIdleError,
      })
    : openPglite(join(options.dataDirectory, 'database'));
