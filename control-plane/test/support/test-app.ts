import { type App, startApp } from '../../src/app';
import { type Configuration, readConfiguration } from '../../src/config/configuration';
import { createLogger } from '../../src/observability/logger';
import { type Clock, systemClock } from '../../src/primitives/clock';
import type { Database } from '../../src/storage';

export const testToken = 'tg_test_token_0123456789abcdef';

export interface TestApp extends App {
  token: string;
  /** fetch with the token and a JSON body. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
}

export interface TestAppOptions {
  configuration?: Partial<Configuration>;
  clock?: Clock;
}

/** The real control plane on a free loopback port, silent. */
export const startTestApp = async (database: Database, options: TestAppOptions = {}): Promise<TestApp> => {
  const configuration = { ...readConfiguration({}), port: 0, ...options.configuration };
  const app = await startApp({
    configuration,
    database,
    clock: options.clock ?? systemClock,
    log: createLogger('silent'),
    token: testToken,
  });
  return {
    ...app,
    token: testToken,
    request: (method, path, body, headers = {}) =>
      fetch(`${app.url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${testToken}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
  };
};
