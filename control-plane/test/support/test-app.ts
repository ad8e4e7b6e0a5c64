import { type App, type AppOptions, startApp } from '../../src/app';
import { type Configuration, readConfiguration } from '../../src/config/configuration';
import { createLogger } from '../../src/observability/logger';
import type { Observations } from '../../src/observability/observations';
import { type Clock, systemClock } from '../../src/primitives/clock';
import type { Database } from '../../src/storage';
import { createAnswerCheck } from './answer-check';

export const testToken = 'tg_test_token_0123456789abcdef';

export interface TestApp extends App {
  token: string;
  /** fetch with the token and a JSON body. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
}

export interface TestAppOptions {
  configuration?: Partial<Configuration>;
  clock?: Clock;
  dashboardDirectory?: string;
  tracing?: Observations;
  clients?: AppOptions['clients'];
}

/**
 * The real control plane on a free loopback port, silent. Every answer it gives is held against what /openapi.json says
 * of its route; `stop` fails with those that differ.
 */
export const startTestApp = async (database: Database, options: TestAppOptions = {}): Promise<TestApp> => {
  const configuration = { ...readConfiguration({}), port: 0, ...options.configuration };
  const answers = createAnswerCheck();
  const app = await startApp({
    configuration,
    database,
    clock: options.clock ?? systemClock,
    log: createLogger('silent'),
    token: testToken,
    tracing: options.tracing,
    clients: options.clients,
    observe: answers.observe,
    dashboardDirectory: options.dashboardDirectory,
  });
  answers.describe(app.routes);
  return {
    ...app,
    stop: async () => {
      await app.stop();
      answers.assertDescribed();
    },
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
