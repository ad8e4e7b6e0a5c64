import { randomBytes } from 'node:crypto';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { KeyAuthCredential } from '../entities/entity';
import type { ProxyConsumer } from './proxy-consumer';
import type { ProxyView, RouteTarget } from './proxy-view';

/** An attempt to reach the upstream, as Kong's log lists it under `tries`. */
export interface UpstreamTry {
  ip: string;
  port: number;
  /** Epoch milliseconds. */
  startedAtMs: number;
  /** Status of a failed attempt, undefined when it answered. */
  failedWith?: number;
}

/** Who made the answer: the upstream, a plugin that ended the request, or Kong on its own account. */
export type AnswerSource = 'service' | 'exit' | 'error';

const ID_BYTES = 16;
let pool = Buffer.alloc(0);
let poolAt = 0;

/** 32 hexadecimal digits, unique like nginx's $request_id; drawn from the system in larger pieces. */
export function newRequestId(): string {
  if (poolAt >= pool.length) {
    pool = randomBytes(ID_BYTES * 256);
    poolAt = 0;
  }
  const id = pool.toString('hex', poolAt, poolAt + ID_BYTES);
  poolAt += ID_BYTES;
  return id;
}

/** One request on its way through the gateway, and after it what the log phase may read. */
export class Exchange {
  readonly requestId = newRequestId();
  readonly path: string;
  /** With its question mark, or empty. */
  readonly query: string;
  target: RouteTarget | undefined;
  upstreamUri = '';
  consumer: ProxyConsumer | undefined;
  credential: KeyAuthCredential | undefined;
  /** Headers that plugins set on the request, by lower-case name. */
  readonly setHeaders = new Map<string, string>();
  readonly removedHeaders = new Set<string>();
  /** Query arguments that hide_credentials keeps from the upstream. */
  readonly hiddenQueryNames = new Set<string>();
  /** Headers that plugins set on the answer, by the name to send. */
  readonly answerHeaders = new Map<string, string>();
  /** kong.ctx.shared. */
  readonly shared = new Map<string, unknown>();
  /** kong.log.set_serialize_value, by dotted path. */
  readonly serializeValues = new Map<string, unknown>();
  readonly tries: UpstreamTry[] = [];
  status = 0;
  source: AnswerSource = 'exit';
  /** Flat list of names and values, as sent. */
  sentHeaders: readonly string[] = [];
  bodyBytesReceived = 0;
  isAnswered = false;
  /** The attempt under way, to be ended when the client goes away. */
  upstreamRequest: ClientRequest | undefined;
  /** Epoch milliseconds at which the request went upstream, the upstream's headers came, the answer was sent. */
  forwardedAtMs = 0;
  upstreamHeadersAtMs = 0;
  finishedAtMs = 0;
  /** The socket's count of bytes written when the request began; keep-alive sockets carry many answers. */
  readonly socketBytesAtStart: number;
  answerBytes = 0;

  constructor(
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    readonly view: ProxyView,
    /** Epoch milliseconds. */
    readonly startedAtMs: number,
  ) {
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    this.path = mark < 0 ? url : url.slice(0, mark);
    this.query = mark < 0 ? '' : url.slice(mark);
    this.socketBytesAtStart = request.socket.bytesWritten;
  }

  /** A request header as plugins see it: what they set wins over what the client sent. */
  header(name: string): string | undefined {
    const key = name.toLowerCase();
    const set = this.setHeaders.get(key);
    if (set !== undefined) return set;
    if (this.removedHeaders.has(key)) return undefined;
    const value = this.request.headers[key];
    return Array.isArray(value) ? value[0] : value;
  }

  /** All request headers as plugins see them, by lower-case name. */
  headers(): Record<string, string | string[] | undefined> {
    const all: Record<string, string | string[] | undefined> = { ...this.request.headers };
    for (const name of this.removedHeaders) delete all[name];
    for (const [name, value] of this.setHeaders) all[name] = value;
    return all;
  }

  clientIp(): string {
    const address = this.request.socket.remoteAddress ?? '127.0.0.1';
    return address.startsWith('::ffff:') ? address.slice(7) : address;
  }
}
