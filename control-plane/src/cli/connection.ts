import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ApiClient, createApiClient } from '../client/api-client';
import { readConfiguration } from '../config/configuration';
import { CommandFailure, exitStatus } from './exit-status';

export interface ConnectionOptions {
  /** Base URL of the server; TOLLGATE_URL, else where a server with this configuration listens. */
  url?: string;
  /** File that holds the token; TOLLGATE_API_TOKEN, else the token file of the data directory. */
  tokenFile?: string;
}

/** A client for the server that options and environment name. Tokens are taken from files or the environment only: arguments are seen by everybody on the machine. */
export const connect = (
  options: ConnectionOptions,
  environment: Readonly<Record<string, string | undefined>>,
  /** What to do without a token: end, or go on with one that nobody has, so that the rest can be looked at. */
  withoutToken: 'fail' | 'none' = 'fail',
): ApiClient => {
  const configuration = readConfiguration(environment);
  const host = configuration.host === '0.0.0.0' ? '127.0.0.1' : configuration.host;
  return createApiClient({
    url: options.url ?? environment.TOLLGATE_URL ?? `http://${host}:${configuration.port}`,
    token: tokenFor(options, configuration, withoutToken),
  });
};

const tokenFor = (
  { tokenFile }: ConnectionOptions,
  { apiToken, dataDirectory }: { apiToken: string | undefined; dataDirectory: string },
  withoutToken: 'fail' | 'none',
): string => {
  if (tokenFile === undefined && apiToken) return apiToken;
  const file = tokenFile ?? join(dataDirectory, 'token');
  if (!existsSync(file)) {
    if (withoutToken === 'none') return 'none';
    throw new CommandFailure(
      `there is no token: set TOLLGATE_API_TOKEN or --token-file (${file} does not exist)`,
      exitStatus.mistaken,
    );
  }
  return readFileSync(file, 'utf8').trim();
};
