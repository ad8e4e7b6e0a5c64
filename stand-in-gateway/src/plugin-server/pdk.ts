import { hostname } from 'node:os';
import { sendExit } from '../proxy/answers';
import type { Exchange } from '../proxy/exchange';
import { presentFields } from '../proxy/proxy-view';
import { serialize } from '../proxy/serialize';

/** A PDK call that Kong does not allow in the phase. */
export class PdkPhaseError extends Error {
  readonly code = 'pdk_call_not_allowed_in_phase';
}

/** Node-wide facts that plugins may ask for. */
export interface PdkNode {
  nodeId: string;
  log: (level: string, parts: readonly unknown[]) => void;
}

type PdkMethod = (exchange: Exchange, args: readonly unknown[], node: PdkNode) => unknown;

const text = (value: unknown): string => String(value ?? '');

/** Answers that come back by a step method of their own; all others by plugin.Step. */
const stepMethods: Readonly<Record<string, string>> = {
  'kong.client.get_consumer': 'plugin.StepConsumer',
  'kong.client.load_consumer': 'plugin.StepConsumer',
  'kong.client.get_credential': 'plugin.StepCredential',
  'kong.router.get_service': 'plugin.StepService',
  'kong.router.get_route': 'plugin.StepRoute',
  'kong.node.get_memory_stats': 'plugin.StepMemoryStats',
  'kong.request.get_headers': 'plugin.StepMultiMap',
  'kong.request.get_query': 'plugin.StepMultiMap',
  'kong.response.get_headers': 'plugin.StepMultiMap',
};

/** Name of the RPC by which Kong hands back what a PDK method returned. */
export function stepMethodOf(pdkMethod: string): string {
  return stepMethods[pdkMethod] ?? 'plugin.Step';
}

/** Methods that work in every phase, also after the request is gone. */
const anywhere: Readonly<Record<string, PdkMethod>> = {
  'kong.client.get_consumer': ({ consumer }) => consumer?.present,
  'kong.client.get_credential': ({ credential }) => credential && presentFields(credential),
  'kong.router.get_service': ({ target }) => target?.presentService,
  'kong.router.get_route': ({ target }) => target?.presentRoute,
  'kong.request.get_header': (exchange, [name]) => exchange.header(text(name)),
  'kong.request.get_headers': (exchange) => multiMap(exchange.headers()),
  'kong.request.get_start_time': ({ startedAtMs }) => startedAtMs,
  'kong.ctx.shared.get': ({ shared }, [key]) => shared.get(text(key)),
  'kong.ctx.shared.set': ({ shared }, [key, value]) => void shared.set(text(key), value),
  'kong.log.set_serialize_value': ({ serializeValues }, [key, value]) =>
    void serializeValues.set(text(key), value),
  'kong.node.get_id': (_exchange, _args, node) => node.nodeId,
  'kong.node.get_hostname': () => hostname(),
  'kong.node.get_memory_stats': () => ({ lua_shared_dicts: {}, workers_lua_vms: [{ pid: process.pid }] }),
  ...Object.fromEntries(
    ['alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug'].map((level): [string, PdkMethod] => [
      `kong.log.${level}`,
      (_exchange, args, node) => node.log(level, args),
    ]),
  ),
};

/** Methods that need the finished answer: they are refused in the access phase. */
const afterAnswer: Readonly<Record<string, PdkMethod>> = {
  'kong.log.serialize': (exchange) => serialize(exchange),
  'kong.response.get_status': ({ status }) => status,
  'kong.response.get_source': ({ source }) => source,
  'kong.response.get_header': (exchange, [name]) => sentHeaders(exchange)[text(name).toLowerCase()]?.[0],
  'kong.response.get_headers': (exchange) => sentHeaders(exchange),
};

/** Methods that need the request itself. In the log phase they abort Kong's timer and the event is lost. */
const duringRequest: Readonly<Record<string, PdkMethod>> = {
  'kong.request.get_method': ({ request }) => request.method,
  'kong.request.get_path': ({ path }) => path,
  'kong.request.get_raw_path': ({ path }) => path,
  'kong.request.get_path_with_query': ({ path, query }) => path + query,
  'kong.request.get_raw_query': ({ query }) => query.slice(1),
  'kong.request.get_query_arg': ({ query }, [name]) =>
    new URLSearchParams(query).get(text(name)) ?? undefined,
  'kong.request.get_query': ({ query }) => queryMap(query),
  'kong.request.get_scheme': () => 'http',
  'kong.request.get_host': ({ request }) => request.headers.host?.replace(/:\d+$/, ''),
  'kong.request.get_port': ({ request }) => request.socket.localPort,
  'kong.request.get_http_version': ({ request }) => Number(request.httpVersion),
  'kong.request.get_forwarded_scheme': () => 'http',
  'kong.request.get_forwarded_host': ({ request }) => request.headers.host?.replace(/:\d+$/, ''),
  'kong.request.get_forwarded_port': ({ request }) => request.socket.localPort,
  'kong.request.get_forwarded_path': ({ path }) => path,
  'kong.client.get_ip': (exchange) => exchange.clientIp(),
  'kong.client.get_forwarded_ip': (exchange) => exchange.clientIp(),
  'kong.client.get_port': ({ request }) => request.socket.remotePort,
  'kong.client.load_consumer': ({ view }, [id]) => view.findConsumerByIdOrName(text(id))?.present,
  'kong.service.request.set_header': ({ setHeaders }, [name, value]) =>
    void setHeaders.set(text(name).toLowerCase(), text(value)),
  'kong.service.request.add_header': ({ setHeaders }, [name, value]) =>
    void setHeaders.set(text(name).toLowerCase(), text(value)),
  'kong.service.request.clear_header': ({ removedHeaders, setHeaders }, [name]) => {
    setHeaders.delete(text(name).toLowerCase());
    removedHeaders.add(text(name).toLowerCase());
  },
  'kong.response.set_header': ({ answerHeaders }, [name, value]) =>
    void answerHeaders.set(text(name), text(value)),
  'kong.response.add_header': ({ answerHeaders }, [name, value]) =>
    void answerHeaders.set(text(name), text(value)),
  'kong.response.clear_header': ({ answerHeaders }, [name]) => void answerHeaders.delete(text(name)),
  'kong.response.exit': (exchange, [status, body, headers]) => exit(exchange, status, body, headers),
  'kong.response.error': (exchange, [status, message, headers]) =>
    exit(exchange, status, { message: message ?? 'An unexpected error occurred' }, headers),
};

/**
 * Methods that abort Kong's log phase and that need what this gateway does not keep: bodies, nginx variables and the
 * upstream's answer. Refused in every phase, so that no plugin is told "nothing" where Kong would tell something.
 */
const refused = /^kong\.(?:request\.get_(?:raw_)?body|nginx\.get_var|service\.response\.\w+)$/;

/**
 * Answers a PDK call of a plugin. An unknown method returns undefined, as in Kong.
 * @throws PdkPhaseError when Kong does not allow the call in this phase
 */
export function callPdk(
  phase: 'access' | 'log',
  exchange: Exchange,
  call: { Method: string; Args: readonly unknown[] },
  node: PdkNode,
): unknown {
  const own = phase === 'access' ? duringRequest : afterAnswer;
  const other = phase === 'access' ? afterAnswer : duringRequest;
  const method = anywhere[call.Method] ?? own[call.Method];
  if (method) return method(exchange, call.Args, node);
  if (other[call.Method] || refused.test(call.Method)) {
    throw new PdkPhaseError(`${call.Method} is not allowed in the ${phase} phase`);
  }
  return undefined;
}

function exit(exchange: Exchange, status: unknown, body: unknown, headers: unknown): void {
  const valid = Number.isInteger(status) && (status as number) >= 100 && (status as number) <= 599;
  sendExit(
    exchange,
    valid ? (status as number) : 500,
    body,
    (headers ?? {}) as Record<string, string | string[]>,
  );
}

function sentHeaders(exchange: Exchange): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  const flat = exchange.sentHeaders;
  for (let index = 0; index < flat.length; index += 2) {
    const name = flat[index]!.toLowerCase();
    headers[name] = [...(headers[name] ?? []), flat[index + 1]!];
  }
  return headers;
}

/** Kong makes every value a list, so that plugins need not tell one from many. */
function multiMap(headers: Record<string, string | string[] | undefined>): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]): [string, string[]][] =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value : [value]]],
    ),
  );
}

function queryMap(query: string): Record<string, string[]> {
  const map: Record<string, string[]> = {};
  for (const part of query.slice(1).split('&')) {
    const [[name, value] = ['', '']] = new URLSearchParams(part);
    // An argument without "=" has no value: an empty list.
    if (name !== '') map[name] = [...(map[name] ?? []), ...(part.includes('=') ? [value] : [])];
  }
  return map;
}
