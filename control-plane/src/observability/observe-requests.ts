import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Observations } from './observations';

export interface ObserveRequestsOptions {
  log: Logger;
  observations: Pick<Observations, 'requestEnded'>;
}

/**
 * Logs every request by its request id and measures it by its route; successes on the hot path at the level debug only.
 * Query strings, headers and bodies are left out of the log: any of them may hold a secret.
 */
export const observeRequests =
  ({ log, observations }: ObserveRequestsOptions) =>
  (
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
    hotPath: string | undefined,
  ): void => {
    const startedAt = performance.now();
    const { method = '', url = '/' } = request;
    // Express changes the address while it looks for a route, so it is read before.
    const path = hotPath ?? url.split('?', 1)[0]!;
    // It comes once.
    response.on('close', () => {
      const ms = performance.now() - startedAt;
      const route = hotPath ?? routeOf(request);
      // 499: the client went away before the answer, as nginx names it.
      const status = response.writableFinished ? response.statusCode : 499;
      const { traceparent } = request.headers;
      observations.requestEnded({
        method,
        route,
        status,
        ms,
        traceparent: typeof traceparent === 'string' ? traceparent : undefined,
      });
      const level = status >= 500 ? 'error' : hotPath !== undefined && status < 400 ? 'debug' : 'info';
      if (!log.isLevelEnabled(level)) return;
      log[level](
        {
          requestId,
          method,
          path,
          status,
          durationMs: Math.round(ms * 10) / 10,
        },
        'request',
      );
    });
  };

/** The route's pattern: paths themselves would make a time series each. */
const routeOf = (request: IncomingMessage): string => {
  const { route } = request as IncomingMessage & { route?: { path?: string } };
  return route?.path?.replaceAll(/:(\w+)/g, '{$1}') ?? 'unmatched';
};
