import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { connectionHeader, KONG_TOKEN, sendError, sendUpstreamFailure } from './answers';
import type { Exchange } from './exchange';
import type { RouteTarget } from './proxy-view';

/** Headers that belong to one connection and are not passed on (RFC 9110 section 7.6.1). */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Headers that the gateway writes itself. */
const rewritten = new Set([
  'host',
  'x-real-ip',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-path',
  'x-kong-request-id',
]);

/** Forwards requests to the services' upstreams over kept-alive connections, bodies streamed both ways. */
export class Upstream {
  private readonly httpAgent = new http.Agent({
    keepAlive: true,
    maxSockets: 4096,
    maxFreeSockets: 512,
    scheduling: 'lifo',
  });
  private readonly httpsAgent = new https.Agent({ keepAlive: true, maxSockets: 4096 });

  forward(exchange: Exchange, target: RouteTarget): void {
    exchange.forwardedAtMs = Date.now();
    exchange.response.once('close', () => {
      if (!exchange.response.writableFinished) exchange.upstreamRequest?.destroy();
    });
    this.attempt(exchange, target, requestHeaders(exchange, target));
  }

  close(): void {
    this.httpAgent.destroy();
    this.httpsAgent.destroy();
  }

  private attempt(exchange: Exchange, target: RouteTarget, headers: string[]): void {
    const { service } = target;
    const isHttps = service.protocol === 'https';
    const startedAtMs = exchange.tries.length === 0 ? exchange.forwardedAtMs : Date.now();
    const request = (isHttps ? https : http).request({
      agent: isHttps ? this.httpsAgent : this.httpAgent,
      host: service.host,
      port: service.port,
      method: exchange.request.method,
      path: exchange.upstreamUri,
      headers,
      setHost: false,
      timeout: service.read_timeout,
      ...(isHttps ? { rejectUnauthorized: service.tls_verify === true } : {}),
    });
    let hasAnswered = false;
    let isTimedOut = false;
    request.on('response', (response) => {
      hasAnswered = true;
      exchange.tries.push({ ip: service.host, port: service.port, startedAtMs });
      relayAnswer(exchange, response);
    });
    request.on('timeout', () => {
      isTimedOut = true;
      request.destroy(new Error('upstream timed out'));
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (hasAnswered || exchange.isAnswered || exchange.response.destroyed) {
        exchange.response.destroy();
        return;
      }
      this.failed(exchange, target, headers, {
        error,
        isTimedOut,
        startedAtMs,
        wasReused: request.reusedSocket,
      });
    });
    exchange.upstreamRequest = request;
    sendBody(exchange, request);
  }

  private failed(
    exchange: Exchange,
    target: RouteTarget,
    headers: string[],
    failure: { error: NodeJS.ErrnoException; isTimedOut: boolean; startedAtMs: number; wasReused: boolean },
  ): void {
    const { error, isTimedOut, startedAtMs, wasReused } = failure;
    const isBodySent = hasBody(exchange) && exchange.bodyBytesReceived > 0;
    // The upstream closed an idle connection just as it was picked: not a failed attempt, nothing was sent.
    if (wasReused && error.code === 'ECONNRESET' && !hasBody(exchange)) {
      this.attempt(exchange, target, headers);
      return;
    }
    if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') {
      exchange.forwardedAtMs = 0;
      sendError(exchange, 503, 'name resolution failed');
      return;
    }
    const status = isTimedOut ? 504 : 502;
    exchange.tries.push({
      ip: target.service.host,
      port: target.service.port,
      startedAtMs,
      failedWith: status,
    });
    const canRetry = !isBodySent && !isTimedOut && error.code === 'ECONNREFUSED';
    if (canRetry && exchange.tries.length <= target.service.retries) this.attempt(exchange, target, headers);
    else sendUpstreamFailure(exchange, status);
  }
}

function hasBody({ request }: Exchange): boolean {
  return (
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
  );
}

/** The body is taken from the client only once the upstream is connected, so that a refused attempt can be repeated. */
function sendBody(exchange: Exchange, upstream: http.ClientRequest): void {
  if (!hasBody(exchange)) {
    upstream.end();
    return;
  }
  const stream = (): void => {
    exchange.request.on('data', (chunk: Buffer) => {
      exchange.bodyBytesReceived += chunk.length;
    });
    exchange.request.pipe(upstream);
  };
  upstream.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', stream);
    else stream();
  });
}

function requestHeaders(exchange: Exchange, target: RouteTarget): string[] {
  const { request, setHeaders, removedHeaders } = exchange;
  const { service, route } = target;
  const raw = request.rawHeaders;
  const host = request.headers.host ?? '';
  const defaultPort = service.protocol === 'https' ? 443 : 80;
  const serviceHost = service.port === defaultPort ? service.host : `${service.host}:${service.port}`;
  const headers = ['Host', route.preserve_host ? host : serviceHost, 'Connection', 'keep-alive'];
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!;
    const key = name.toLowerCase();
    if (hopByHop.has(key) || rewritten.has(key) || removedHeaders.has(key) || setHeaders.has(key)) continue;
    headers.push(name, raw[index + 1]!);
  }
  if (request.headers['transfer-encoding'] !== undefined) headers.push('Transfer-Encoding', 'chunked');
  for (const [name, value] of setHeaders) headers.push(name, value);
  const ip = exchange.clientIp();
  const forwardedFor = request.headers['x-forwarded-for'];
  const colon = host.lastIndexOf(':');
  headers.push(
    'X-Real-IP',
    ip,
    'X-Forwarded-For',
    forwardedFor === undefined ? ip : `${forwardedFor}, ${ip}`,
    'X-Forwarded-Proto',
    'http',
    'X-Forwarded-Host',
    colon < 0 ? host : host.slice(0, colon),
    'X-Forwarded-Port',
    String(request.socket.localPort ?? 80),
    'X-Forwarded-Path',
    exchange.path,
    'X-Kong-Request-Id',
    exchange.requestId,
    'Via',
    `1.1 ${KONG_TOKEN}`,
  );
  return headers;
}

function relayAnswer(exchange: Exchange, upstream: IncomingMessage): void {
  const { response } = exchange;
  exchange.upstreamHeadersAtMs = Date.now();
  exchange.isAnswered = true;
  exchange.status = upstream.statusCode ?? 502;
  exchange.source = 'service';
  const headers = answerHeaders(exchange, upstream);
  exchange.sentHeaders = headers;
  response.writeHead(exchange.status, headers);
  upstream.on('error', () => response.destroy());
  upstream.on('aborted', () => response.destroy());
  upstream.pipe(response);
}

function answerHeaders(exchange: Exchange, upstream: IncomingMessage): string[] {
  const headers: string[] = [];
  const raw = upstream.rawHeaders;
  let via = `1.1 ${KONG_TOKEN}`;
  let hasServer = false;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!;
    const key = name.toLowerCase();
    if (hopByHop.has(key)) continue;
    if (key === 'via') {
      via = `${raw[index + 1]}, ${via}`;
      continue;
    }
    if (key === 'server') hasServer = true;
    headers.push(name, raw[index + 1]!);
  }
  for (const [name, value] of exchange.answerHeaders) headers.push(name, value);
  if (!hasServer) headers.push('Server', KONG_TOKEN);
  headers.push(
    'Via',
    via,
    'X-Kong-Upstream-Latency',
    String(exchange.upstreamHeadersAtMs - exchange.forwardedAtMs),
    'X-Kong-Proxy-Latency',
    String(exchange.forwardedAtMs - exchange.startedAtMs),
    'X-Kong-Request-Id',
    exchange.requestId,
    'Connection',
    connectionHeader(exchange),
  );
  return headers;
}
