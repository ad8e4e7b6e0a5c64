import net from 'node:net';
import { decode } from '@msgpack/msgpack';
import { encodeMessage } from './encode-message';

/** The plugin server could not be reached, closed the connection, or did not answer in time. */
export class PluginServerUnreachable extends Error {
  readonly code = 'plugin_server_unreachable';
}

/** The plugin server answered with an error. */
export class PluginServerRefusal extends Error {
  readonly code = 'plugin_server_refusal';
}

interface Call {
  id: number;
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
}

/** Idle connections beyond this many are closed, as in Kong's cosocket pool. */
const MAX_IDLE = 256;
/** Kong's read timeout towards a plugin server. */
const TIMEOUT_MS = 60_000;

/**
 * MessagePack-RPC over a unix socket with one call in flight per connection. Connections are opened when all are
 * busy and kept for later calls, the most recently used first.
 */
export class RpcConnections {
  private readonly idle: Connection[] = [];
  private readonly open = new Set<Connection>();
  /** One sequence for all connections, as in Kong's mp_rpc. */
  private messageId = 0;

  constructor(private readonly socketPath: string) {}

  /** Connections that are open now, busy or not. */
  get size(): number {
    return this.open.size;
  }

  /** Calls a method; rejects with PluginServerUnreachable or PluginServerRefusal. */
  call(method: string, argument: unknown): Promise<unknown> {
    const connection = this.idle.pop() ?? this.connect();
    this.messageId += 1;
    const id = this.messageId;
    return new Promise((resolve, reject) => connection.send(method, argument, { id, resolve, reject }));
  }

  close(): void {
    for (const connection of this.open) connection.destroy();
    this.idle.length = 0;
  }

  private connect(): Connection {
    const connection = new Connection(this.socketPath, {
      isFree: () => {
        if (this.idle.length < MAX_IDLE) this.idle.push(connection);
        else connection.destroy();
      },
      isGone: () => {
        this.open.delete(connection);
        const index = this.idle.indexOf(connection);
        if (index >= 0) this.idle.splice(index, 1);
      },
    });
    this.open.add(connection);
    return connection;
  }
}

class Connection {
  private readonly socket: net.Socket;
  private call: Call | undefined;
  private received: Buffer | undefined;

  constructor(
    socketPath: string,
    private readonly events: { isFree: () => void; isGone: () => void },
  ) {
    this.socket = net.connect(socketPath);
    this.socket.setTimeout(TIMEOUT_MS);
    this.socket.on('data', (chunk) => this.onData(chunk));
    this.socket.on('timeout', () => this.socket.destroy(new Error('no answer in time')));
    this.socket.on('error', (error) => this.fail(error));
    this.socket.on('close', () => {
      this.fail(new Error('connection closed'));
      this.events.isGone();
    });
  }

  send(method: string, argument: unknown, call: Call): void {
    this.call = call;
    this.socket.write(encodeMessage([0, call.id, method, [argument]]));
  }

  destroy(): void {
    this.socket.destroy();
  }

  private onData(chunk: Buffer): void {
    const data = this.received ? Buffer.concat([this.received, chunk]) : chunk;
    let message: unknown;
    try {
      message = decode(data);
    } catch (error) {
      if (!(error instanceof RangeError)) {
        this.socket.destroy(new Error('not a MessagePack message', { cause: error }));
        return;
      }
      // The rest of the message is still on its way.
      this.received = data;
      return;
    }
    this.received = undefined;
    this.answer(message as [number, number, unknown, unknown]);
  }

  private answer([type, id, error, result]: [number, number, unknown, unknown]): void {
    const call = this.call;
    if (type !== 1 || !call || id !== call.id) {
      this.socket.destroy(new Error('answer to a call that was not made'));
      return;
    }
    this.call = undefined;
    this.events.isFree();
    if (error === null || error === undefined) call.resolve(result);
    else call.reject(new PluginServerRefusal(String(error)));
  }

  private fail(error: Error): void {
    const call = this.call;
    this.call = undefined;
    call?.reject(new PluginServerUnreachable(error.message, { cause: error }));
  }
}
