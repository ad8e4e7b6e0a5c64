import type { Exchange, UpstreamTry } from './exchange';
import { DEFAULT_WORKSPACE_ID } from './proxy-view';

/**
 * The text of kong.log.serialize(): the shape of a real Kong's, client headers (and so the API key) in clear.
 * Assembled from pieces because the route, the service and the consumer are the same for many requests.
 */
export function serialize(exchange: Exchange): string {
  const text = assemble(exchange);
  return exchange.serializeValues.size === 0 ? text : withExtraValues(text, exchange.serializeValues);
}

function assemble(exchange: Exchange): string {
  const { request, target, consumer, credential } = exchange;
  const host = request.headers.host ?? '';
  const uri = JSON.stringify(request.url ?? '/');
  return (
    `{"latencies":${latencies(exchange)},"workspace":"${DEFAULT_WORKSPACE_ID}","workspace_name":"default",` +
    `"tries":[${exchange.tries.map(describeTry).join(',')}],` +
    `"response":{"size":${exchange.answerBytes},"status":${exchange.status},"headers":${sentHeaders(exchange)}},` +
    `"started_at":${exchange.startedAtMs},"source":"${exchange.source === 'service' ? 'upstream' : 'kong'}",` +
    (target ? `"service":${target.serviceJson},"route":${target.routeJson},` : '') +
    (consumer ? `"consumer":${consumer.json},` : '') +
    (credential ? `"authenticated_entity":{"id":"${credential.id}"},` : '') +
    `"request":{"id":"${exchange.requestId}","method":"${request.method}","uri":${uri},` +
    `"url":${JSON.stringify(`http://${host}${request.url ?? '/'}`)},"size":${requestSize(exchange)},` +
    `"querystring":${queryJson(exchange.query)},"headers":${JSON.stringify(exchange.headers())}},` +
    `"upstream_status":"${upstreamStatus(exchange)}","upstream_uri":${JSON.stringify(exchange.upstreamUri)},` +
    `"client_ip":"${exchange.clientIp()}"}`
  );
}

/** Milliseconds; `proxy` is -1 when the request never went upstream. */
function latencies(exchange: Exchange): string {
  const request = exchange.finishedAtMs - exchange.startedAtMs;
  if (exchange.forwardedAtMs === 0) return `{"proxy":-1,"request":${request},"receive":0,"kong":${request}}`;
  const headersAt = exchange.upstreamHeadersAtMs || exchange.finishedAtMs;
  const proxy = headersAt - exchange.forwardedAtMs;
  const kong = exchange.forwardedAtMs - exchange.startedAtMs;
  return `{"proxy":${proxy},"request":${request},"receive":${exchange.finishedAtMs - headersAt},"kong":${kong}}`;
}

function describeTry(attempt: UpstreamTry): string {
  const failure = attempt.failedWith === undefined ? '' : `"state":"failed","code":${attempt.failedWith},`;
  return (
    `{${failure}"ip":"${attempt.ip}","port":${attempt.port},"balancer_start":${attempt.startedAtMs},` +
    `"balancer_start_ns":${attempt.startedAtMs}000000,"balancer_latency":0,"balancer_latency_ns":0}`
  );
}

function upstreamStatus(exchange: Exchange): string {
  if (exchange.source === 'service') return String(exchange.status);
  return exchange.tries.map((attempt) => attempt.failedWith ?? '').join(', ');
}

/** `connection` is always "close" here: nginx has let go of the connection by the time of the log phase. */
function sentHeaders(exchange: Exchange): string {
  const headers: Record<string, string | string[]> = { connection: 'close' };
  const flat = exchange.sentHeaders;
  for (let index = 0; index < flat.length; index += 2) {
    const name = flat[index]!.toLowerCase();
    const value = flat[index + 1]!;
    if (name === 'connection') continue;
    const previous = headers[name];
    if (previous === undefined) headers[name] = value;
    else headers[name] = Array.isArray(previous) ? [...previous, value] : [previous, value];
  }
  return JSON.stringify(headers);
}

function queryJson(query: string): string {
  if (query.length < 2) return '{}';
  const parsed: Record<string, string | boolean | (string | boolean)[]> = {};
  for (const part of query.slice(1).split('&')) {
    if (part === '') continue;
    const [[name, text] = ['', '']] = new URLSearchParams(part);
    // An argument without "=" is true in Lua.
    const value = part.includes('=') ? text : true;
    const previous = parsed[name];
    if (previous === undefined) parsed[name] = value;
    else parsed[name] = Array.isArray(previous) ? [...previous, value] : [previous, value];
  }
  return JSON.stringify(parsed);
}

/** Bytes of the request as it came over the wire: request line, headers and body. */
function requestSize(exchange: Exchange): number {
  const { method, url, rawHeaders } = exchange.request;
  let size = (method?.length ?? 0) + (url?.length ?? 0) + ' '.length + ' HTTP/1.1\r\n'.length + '\r\n'.length;
  for (const text of rawHeaders) size += text.length + 2;
  return size + exchange.bodyBytesReceived;
}

/** What kong.log.set_serialize_value put in, at dotted paths. */
function withExtraValues(text: string, values: ReadonlyMap<string, unknown>): string {
  const root = JSON.parse(text) as Record<string, unknown>;
  for (const [path, value] of values) {
    const keys = path.split('.');
    const last = keys.pop()!;
    if (path.includes('__proto__')) continue;
    let at = root;
    for (const key of keys) {
      if (typeof at[key] !== 'object' || at[key] === null) at[key] = {};
      at = at[key] as Record<string, unknown>;
    }
    if (value === undefined || value === null) delete at[last];
    else at[last] = value;
  }
  return JSON.stringify(root);
}
