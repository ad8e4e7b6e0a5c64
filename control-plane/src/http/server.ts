import { randomUUID } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import express from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { Refusal } from '../primitives/refusal';
import type { ServeDashboard } from './dashboard/serve-dashboard';
import { answerErrors, type MountOptions, mountRoutes, requestIdHeader, requestIdOf } from './mount-routes';
import { refusalOf, sendProblem } from './problem-details';
import type { FastHandler, FastRoute, Reply, Route } from './route';

export interface ServerOptions extends MountOptions {
  routes: readonly Route[];
  fastRoutes: readonly FastRoute[];
  log: Logger;
  /** Sees every request as it comes, before anything is answered; `hotPath` is that of a route on the hot path. */
  observe?:
    | ((
        request: IncomingMessage,
        response: ServerResponse,
        requestId: string,
        hotPath: string | undefined,
      ) => void)
    | undefined;
  /** How a failure is answered on paths whose interface has an error shape of its own; the first that returns true wins. */
  errorShapes?: readonly ErrorShape[];
  /** What a client may take of the server before it says anything useful. */
  clients: ClientLimits;
  /** Serves pages on paths that no route has. */
  dashboard?: ServeDashboard | undefined;
}

/** Answers a failure in the shape of another interface (Stripe's, for one); false when the path is not its own. */
export type ErrorShape = (
  request: IncomingMessage,
  response: ServerResponse,
  refusal: Refusal | undefined,
  requestId: string,
) => boolean;

/** Limits on connections; a client beyond one is disconnected. */
export interface ClientLimits {
  /** Open connections; further ones are closed at once. */
  connections: number;
  /** Until all headers of a request are there, milliseconds. */
  headersMs: number;
  /** Until all of a request is there, milliseconds. */
  requestMs: number;
  /** Without a byte in either direction, milliseconds: a client that does not read its answer. Live streams send more often. */
  silentMs: number;
}

export const defaultClientLimits: Omit<ClientLimits, 'connections'> = {
  headersMs: 10_000,
  requestMs: 60_000,
  silentMs: 120_000,
};

const keepAliveMs = 65_000;
/** How often slow clients are looked for; node looks every 30 seconds by itself. */
const lookEveryMs = 1_000;

/** The HTTP server: the ingest routes on plain node:http, everything else through Express. */
export const createHttpServer = (options: ServerOptions): Server => {
  const app = createExpressApp(options);
  const { log } = options;
  const findFast = indexFastRoutes(options.fastRoutes);

  const answer = (
    error: unknown,
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
  ): void => {
    const refusal = refusalOf(error);
    if (!refusal) log.error({ err: error, requestId, path: pathOf(request) }, 'request failed');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.setHeader(requestIdHeader, requestId);
    if (!request.complete) readOn(request);
    if (options.errorShapes?.some((shape) => shape(request, response, refusal, requestId))) return;
    sendProblem(response, refusal, requestId);
  };

  const listener: RequestListener = (request, response) => {
    const requestId = requestIdFrom(request);
    const path = pathOf(request);
    const handleFast = findFast(request.method, path);
    options.observe?.(request, response, requestId, handleFast && path);
    if (handleFast) {
      handleFast(request, requestId)
        .then((reply) => sendFast(response, requestId, reply))
        .catch((error) => answer(error, request, response, requestId));
      return;
    }
    response.setHeader(requestIdHeader, requestId);
    app(request, response);
  };
  const server = createServer(
    {
      keepAliveTimeout: keepAliveMs,
      headersTimeout: options.clients.headersMs,
      requestTimeout: options.clients.requestMs,
      connectionsCheckingInterval: Math.min(lookEveryMs, options.clients.headersMs),
    },
    listener,
  );
  server.maxHeadersCount = 100;
  server.maxConnections = options.clients.connections;
  server.setTimeout(options.clients.silentMs);
  return server;
};

/** Looks up by path, then by method: one text less to build than for both at once. */
const indexFastRoutes = (routes: readonly FastRoute[]) => {
  const byPath = new Map<string, Map<string, FastHandler>>();
  for (const { method, path, handleFast } of routes) {
    const byMethod = byPath.get(path) ?? new Map<string, FastHandler>();
    byPath.set(path, byMethod.set(method.toUpperCase(), handleFast));
  }
  return (method: string | undefined, path: string): FastHandler | undefined =>
    byPath.get(path)?.get(method ?? '');
};

/** All headers at once, which node writes without keeping them. */
const sendFast = (response: ServerResponse, requestId: string, { status, body, headers }: Reply): void => {
  const head = [requestIdHeader, requestId];
  for (const name in headers) head.push(name, headers[name]!);
  if (body === undefined) {
    response.writeHead(status, head).end();
    return;
  }
  const text = JSON.stringify(body);
  head.push('Content-Type', 'application/json', 'Content-Length', String(Buffer.byteLength(text)));
  response.writeHead(status, head).end(text);
};

/** What is read of a body that is refused, bytes; a connection that sends more is closed. */
const readOnLimit = 64 << 20;

/**
 * Reads the rest of a body that nobody wants. Many clients send all of a request before they read the answer: closed under
 * their hands, the connection would fail, and they would never learn what was wrong. The time for requests bounds it as well.
 */
const readOn = (request: IncomingMessage): void => {
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > readOnLimit) request.socket.destroy();
  });
  request.resume();
};

const pathOf = (request: IncomingMessage): string => {
  const url = request.url ?? '/';
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
};

/** A request id that the caller may choose, as long as it is harmless in a log line. */
const requestIdFrom = (request: IncomingMessage): string => {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
};

const createExpressApp = (options: ServerOptions): express.Express => {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  // Repeated parameters and deepObject (filterGroupBy[method]=GET), as the OpenMeter SDK sends them.
  app.set('query parser', 'extended');
  app.use(
    helmet({
      contentSecurityPolicy: { directives: { 'upgrade-insecure-requests': null } },
      strictTransportSecurity: false,
    }),
  );
  mountRoutes(app, options.routes, options);
  app.use((request, response, next) => {
    const served = options.dashboard?.(request, response) ?? Promise.resolve(false);
    served.then((isServed) => isServed || next(), next);
  });
  app.use((request, _response, next) => {
    next(new Refusal('not_found', 'route_not_found', `there is no ${request.method} ${request.path}`));
  });
  app.use(
    (error: unknown, request: express.Request, response: express.Response, next: express.NextFunction) => {
      const refusal = refusalOf(error);
      const shaped =
        !response.headersSent &&
        options.errorShapes?.some((shape) => shape(request, response, refusal, requestIdOf(response)));
      if (!shaped) answerErrors(options.log)(error, request, response, next);
    },
  );
  return app;
};
