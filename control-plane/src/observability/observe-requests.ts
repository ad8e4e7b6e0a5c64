import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Observations } from './observations';

export interface ObserveRequestsOptions {
  log: Logger;
  observations: Pick<Observations, 'requestEnded'>;
  /** Routes on the hot path, by `METHOD /path`: their successes are logged at the level debug only. */
  hotRoutes: ReadonlySet<string>;
}

/**
 * Logs every request by its request id and measures it by its route. Query strings, headers and bodies are left out of
 * the log: any of them may hold a secret.
 */
export const observeRequests =
  ({ log, observations, hotRoutes }: ObserveRequestsOptions) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    const startedAt = performance.now();
    const url = request.url ?? '/';
    const path = url.slice(0, url.indexOf('?') < 0 ? undefined : url.indexOf('?'));
    response.once('close', () => {
      const ms = performance.now() - startedAt;
      const { method = '' } = request;
      const isHot = hotRoutes.has(`${method} ${path}`);
      const route = isHot ? path : routeOf(request);
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
      const level = status >= 500 ? 'error' : isHot && status < 400 ? 'debug' : 'info';
      if (!log.isLevelEnabled(level)) return;
      log[level](
        {
          requestId: response.getHeader('X-Request-Id'),
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
