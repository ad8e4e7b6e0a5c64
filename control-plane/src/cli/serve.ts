import type { Logger } from 'pino';
import { type App, startApp } from '../app';
import { createApiClient } from '../client/api-client';
import { bootstrapToken } from '../config/bootstrap-token';
import { readConfiguration } from '../config/configuration';
import { applyPlan, planDeclaration } from '../config/declaration/apply';
import { createLogger } from '../observability/logger';
import { createTracing } from '../observability/tracing';
import { systemClock } from '../primitives/clock';
import { migrate, migrationState } from '../storage/migrate';
import { openDatabase } from '../storage/open-database';
import { openRedis } from '../storage/redis/open-redis';
import type { SharedCounters } from '../storage/redis/shared-counters';
import { version } from '../version';
import { declarationToApply, type NamedDeclaration } from './declaration-file';
import { CommandFailure, exitStatus } from './exit-status';

/** Attempts at applying the declaration: replicas that start at the same time may make the same resource first. */
const maximumAttempts = 3;

/** Runs the control plane until it is told to stop. */
export const serve = async (environment: NodeJS.ProcessEnv): Promise<void> => {
  const configuration = readConfiguration(environment);
  const declaration = declarationToApply(configuration.configFile, environment);
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
  const { ahead } = await migrationState(database);
  if (ahead.length > 0)
    log.warn({ ahead }, 'a newer version has migrated the database; this one works beside it');
  const tracing = configuration.otlpEndpoint
    ? await createTracing({
        endpoint: configuration.otlpEndpoint,
        headers: configuration.otlpHeaders,
        serviceName: configuration.otlpServiceName,
        version,
        sampleRatio: configuration.traceSampleRatio,
        log,
      })
    : undefined;
  const sharedCounters = configuration.redisUrl ? openSharedCounters(configuration.redisUrl, log) : undefined;
  let isPrepared = false;
  const app = await startApp({
    configuration,
    database,
    clock: systemClock,
    log,
    token,
    tracing,
    isPrepared: () => isPrepared,
    sharedCounters,
  });
  const stop = async (): Promise<void> => {
    await app.stop();
    await tracing?.stop();
    await sharedCounters?.close();
    await database.close();
  };
  stopOnSignals(stop, log);
  try {
    if (declaration) await applyAtStart(app, token, declaration, log);
  } catch (error) {
    await stop();
    throw error;
  }
  isPrepared = true;
  log.info(
    { url: app.url, storage: database.kind, ...(file ? { tokenFile: file } : {}) },
    'tollgate is ready',
  );
};

const openSharedCounters = (url: string, log: Logger): SharedCounters =>
  openRedis({
    url,
    onChange: (isConnected, error) =>
      isConnected
        ? log.info('Redis is connected: replicas share their rate limits')
        : log.warn({ err: error }, 'Redis is away: each replica counts for itself until it is back'),
  });

/** Applies the declaration through the API that just came up, exactly as `tollgate apply` does. */
const applyAtStart = async (
  app: App,
  token: string,
  { file, declaration }: NamedDeclaration,
  log: Logger,
): Promise<void> => {
  const client = createApiClient({ url: app.url, token });
  for (let attempt = 1; ; attempt += 1) {
    const planned = await planDeclaration(client, declaration, { prune: false, select: [] });
    if (planned.plan.obstacles.length > 0) {
      throw new CommandFailure(
        planned.plan.obstacles.map((obstacle) => `${file}: ${obstacle}`).join('\n'),
        exitStatus.mistaken,
      );
    }
    try {
      await applyPlan(client, planned);
      const { changes, unchanged } = planned.plan;
      log.info({ file, changed: changes.length, unchanged }, 'declaration applied');
      return;
    } catch (error) {
      if (attempt < maximumAttempts) continue;
      throw new CommandFailure(`${file}: ${(error as Error).message}`, exitStatus.mistaken);
    }
  }
};

const stopOnSignals = (stop: () => Promise<void>, log: Logger): void => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info({ signal }, 'stopping');
      stop().then(
        () => process.exit(0),
        (error) => {
          log.fatal({ err: error }, 'stopping failed');
          process.exit(1);
        },
      );
    });
  }
};
