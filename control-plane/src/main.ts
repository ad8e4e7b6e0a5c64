import { startApp } from './app';
import { bootstrapToken } from './config/bootstrap-token';
import { ConfigurationError, readConfiguration } from './config/configuration';
import { createLogger } from './observability/logger';
import { systemClock } from './primitives/clock';
import { migrate } from './storage/migrate';
import { openDatabase } from './storage/open-database';

/** Exit status for a configuration that must be mended by a person first. */
const configurationStatus = 2;

const start = async (): Promise<void> => {
  const configuration = readConfiguration(process.env);
  const log = createLogger(configuration.logLevel);
  const { token, file } = bootstrapToken(configuration.apiToken, configuration.dataDirectory);
  const database = await openDatabase({
    databaseUrl: configuration.databaseUrl,
    dataDirectory: configuration.dataDirectory,
    maximumConnections: configuration.databaseConnections,
    onIdleError: (error) => log.warn({ err: error }, 'a database connection broke'),
  });
  const applied = await migrate(database);
  if (applied.length > 0) log.info({ applied }, 'migrations applied');
  const app = await startApp({ configuration, database, clock: systemClock, log, token });
  log.info(
    { url: app.url, storage: database.kind, ...(file ? { tokenFile: file } : {}) },
    'tollgate is ready',
  );

  const stop = async (signal: string): Promise<void> => {
    log.info({ signal }, 'stopping');
    await app.stop();
    await database.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      stop(signal).catch((error) => {
        log.fatal({ err: error }, 'stopping failed');
        process.exit(1);
      });
    });
  }
};

start().catch((error: unknown) => {
  process.stderr.write(`tollgate: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(error instanceof ConfigurationError ? configurationStatus : 1);
});
