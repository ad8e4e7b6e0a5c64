import type { AnswerSource, Exchange } from './exchange';

/** What Kong puts into Server and Via. */
export const KONG_TOKEN = 'kong/3.9.3';

const JSON_UTF8 = 'application/json; charset=utf-8';

/** Kong's error template, laid out as the real gateway prints it (100 bytes for the acl plugin's 403). */
export function errorBody(message: string, requestId: string): string {
  return `{\n  "message":"${message}",\n  "request_id":"${requestId}"\n}`;
}

/** Ends the exchange with one of Kong's own error answers. */
export function sendError(
  exchange: Exchange,
  status: number,
  message: string,
  headers: readonly string[] = [],
  source: AnswerSource = 'exit',
): void {
  send(
    exchange,
    status,
    errorBody(message, exchange.requestId),
    ['Content-Type', JSON_UTF8, ...headers],
    source,
  );
}

/** Ends the exchange as kong.response.exit does: a table becomes JSON, a string goes out as it is. */
export function sendExit(
  exchange: Exchange,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string | string[]>> = {},
): void {
  const flat: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? value : [value]) flat.push(name, String(one));
  }
  const isTable = typeof body === 'object' && body !== null;
  if (isTable && !hasHeader(flat, 'content-type')) flat.push('Content-Type', JSON_UTF8);
  const text = body === undefined || body === null ? '' : isTable ? JSON.stringify(body) : String(body);
  send(exchange, status, text, flat, 'exit');
}

/** The answer to an upstream that could not be reached or did not answer in time. */
export function sendUpstreamFailure(exchange: Exchange, status: 502 | 504): void {
  const message =
    status === 504
      ? 'The upstream server is timing out'
      : 'An invalid response was received from the upstream server';
  sendError(exchange, status, message, [], 'error');
}

function send(
  exchange: Exchange,
  status: number,
  body: string,
  headers: string[],
  source: AnswerSource,
): void {
  if (exchange.isAnswered) return;
  exchange.isAnswered = true;
  exchange.status = status;
  exchange.source = source;
  const now = Date.now();
  for (const [name, value] of exchange.answerHeaders) headers.push(name, value);
  headers.push('Content-Length', String(Buffer.byteLength(body)));
  if (exchange.forwardedAtMs > 0) {
    headers.push('Via', `1.1 ${KONG_TOKEN}`);
    headers.push('X-Kong-Upstream-Latency', String(now - exchange.forwardedAtMs));
    headers.push('X-Kong-Proxy-Latency', String(exchange.forwardedAtMs - exchange.startedAtMs));
  } else {
    headers.push('X-Kong-Response-Latency', String(now - exchange.startedAtMs));
  }
  headers.push('Server', KONG_TOKEN, 'X-Kong-Request-Id', exchange.requestId);
  headers.push('Connection', connectionHeader(exchange));
  exchange.sentHeaders = headers;
  exchange.response.writeHead(status, headers);
  exchange.response.end(exchange.request.method === 'HEAD' ? undefined : body);
}

/** Said outright, because Node adds a Keep-Alive header of its own otherwise, which Kong does not send. */
export function connectionHeader({ response }: Exchange): string {
  return response.shouldKeepAlive ? 'keep-alive' : 'close';
}

function hasHeader(flat: readonly string[], name: string): boolean {
  for (let index = 0; index < flat.length; index += 2) if (flat[index]!.toLowerCase() === name) return true;
  return false;
}
