import http from 'node:http';
import type { ExternalPlugins } from '../plugin-server/external-plugins';
import { runAcl } from './acl';
import { sendError } from './answers';
import { Exchange } from './exchange';
import type { HttpLog } from './http-log';
import { runKeyAuth } from './key-auth';
import type { PluginBinding, PluginSlot } from './plugin-slots';
import type { ProxyView, RouteTarget } from './proxy-view';
import type { RequestCounters } from './request-counters';
import { runRequestTermination } from './request-termination';
import { upstreamPath } from './router';
import type { Upstream } from './upstream';

type AccessPlugin = (exchange: Exchange, config: Record<string, unknown>) => void;

const bundledAccess: Readonly<Record<string, AccessPlugin>> = {
  'key-auth': runKeyAuth,
  acl: runAcl,
  'request-termination': runRequestTermination,
};

interface ProxyParts {
  view: ProxyView;
  upstream: Upstream;
  externalPlugins: ExternalPlugins;
  httpLog: HttpLog;
  counters: RequestCounters;
}

/** Creates the proxy's HTTP server: route, access phase, upstream, log phase. It is not listening yet. */
export function createProxyServer(parts: ProxyParts): http.Server {
  const server = http.createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
    const exchange = new Exchange(request, response, parts.view, Date.now());
    response.on('close', () => finish(parts, exchange));
    const match = parts.view.router.match(
      request.method ?? 'GET',
      request.headers.host?.toLowerCase() ?? '',
      exchange.path,
      request.headers,
    );
    if (!match) {
      sendError(exchange, 404, 'no Route matched with those values');
      return;
    }
    const { target, route, service } = match.entry;
    exchange.target = target;
    if (!route.protocols.includes('http')) {
      sendError(exchange, 426, 'Please use HTTPS protocol', ['Upgrade', 'TLS/1.2, HTTP/1.1']);
      return;
    }
    exchange.upstreamUri =
      upstreamPath(exchange.path, match.matchedPath, route.strip_path, service.path) + exchange.query;
    runAccess(parts, exchange, target, 0);
  });
  return server;
}

/** Runs the access phase from the given slot on; a plugin that answers ends it. */
function runAccess(parts: ProxyParts, exchange: Exchange, target: RouteTarget, from: number): void {
  const { slots } = target;
  for (let index = from; index < slots.length; index += 1) {
    const slot = slots[index]!;
    if (!slot.known.phases.includes('access')) continue;
    const binding = slot.pick(exchange.consumer);
    if (!binding) continue;
    if (slot.known.isExternal) {
      void parts.externalPlugins
        .runAccess(exchange, binding)
        .then(() => (exchange.isAnswered ? undefined : runAccess(parts, exchange, target, index + 1)));
      return;
    }
    bundledAccess[slot.known.name]?.(exchange, binding.config);
    if (exchange.isAnswered) return;
  }
  hideQueryArguments(exchange);
  parts.upstream.forward(exchange, target);
}

function hideQueryArguments(exchange: Exchange): void {
  if (exchange.hiddenQueryNames.size === 0 || exchange.query === '') return;
  const [path] = exchange.upstreamUri.split('?');
  const query = new URLSearchParams(exchange.query);
  for (const name of exchange.hiddenQueryNames) query.delete(name);
  exchange.upstreamUri = query.size === 0 ? path! : `${path}?${query}`;
}

/** The answer is out, or the client is gone: count, and hand over to the log phase. */
function finish(parts: ProxyParts, exchange: Exchange): void {
  exchange.finishedAtMs = Date.now();
  if (!exchange.isAnswered) {
    // nginx logs a client that went away before the answer as 499.
    exchange.isAnswered = true;
    exchange.status = 499;
    exchange.source = 'error';
  }
  exchange.answerBytes = exchange.request.socket.bytesWritten - exchange.socketBytesAtStart;
  parts.counters.count(exchange);
  for (const slot of exchange.target?.slots ?? exchange.view.globalSlots) {
    if (!slot.known.phases.includes('log')) continue;
    const binding = slot.pick(exchange.consumer);
    if (binding) runLog(parts, exchange, slot, binding);
  }
}

function runLog(parts: ProxyParts, exchange: Exchange, slot: PluginSlot, binding: PluginBinding): void {
  if (slot.known.isExternal) parts.externalPlugins.enqueueLog(exchange, binding);
  else if (slot.known.name === 'http-log') parts.httpLog.log(exchange, binding);
}
