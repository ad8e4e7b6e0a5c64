import { createServer, type Server, type Socket } from 'node:net';
import { Decoder, Encoder } from '@msgpack/msgpack';
import type { Log } from '../observability/log';
import { encodeLogPhaseAnswer, LogPhaseAnswer } from './log-phase-answer';
import { type LogPhaseCall, readLogPhaseCall } from './log-phase-call';
import { messageLength } from './message-length';

/** Answers a call of Kong's, at once or later; the message of what it throws becomes the error of the answer. */
export type RpcHandler = (method: string, args: readonly unknown[]) => unknown;

const decoder = new Decoder();
const encoder = new Encoder();

/** What Kong sends is about 3 kB; a header block may make it some hundred. Anything near this is not Kong. */
const maxMessageBytes = 16 * 1024 * 1024;

/**
 * The MessagePack-RPC server that Kong connects to: `[0, id, "plugin.Method", args]` is answered by
 * `[1, id, error, result]`. Unlike kong-pdk's Listener it takes several messages in one chunk, survives a
 * connection that breaks, and queues 4096 connections: with Node's default of 511 a busy Kong's connect fails
 * and its log event is lost.
 */
export class RpcListener {
  private readonly server: Server;

  constructor(
    private readonly handle: RpcHandler,
    private readonly log: Log,
  ) {
    this.server = createServer((socket) => this.serve(socket));
  }

  /** Resolves when Kong can connect. The socket may be used by any user: Kong runs as another one. */
  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ path, backlog: 4096, readableAll: true, writableAll: true }, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
  }

  /** Takes no new connections; those that are open are still answered. */
  close(): void {
    this.server.close();
  }

  private serve(socket: Socket): void {
    let pending: Buffer | undefined;
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      const bytes = pending ? Buffer.concat([pending, chunk]) : chunk;
      try {
        const taken = this.takeMessages(socket, bytes);
        pending = taken === bytes.length ? undefined : bytes.subarray(taken);
        if (pending && pending.length > maxMessageBytes) throw new RangeError('the message is too long');
      } catch (error) {
        this.log('error', 'a connection did not speak the plugin protocol', {
          error: (error as Error).message,
        });
        socket.destroy();
      }
    });
  }

  /** Handles the whole messages in `bytes`; returns how many bytes those were. */
  private takeMessages(socket: Socket, bytes: Buffer): number {
    let offset = 0;
    while (offset < bytes.length) {
      const call = readLogPhaseCall(bytes, offset);
      if (call) {
        offset = call.end;
        this.perform(socket, call.messageId, `plugin.${call.method}`, [argumentOf(call)]);
        continue;
      }
      const length = messageLength(bytes, offset);
      if (length === undefined) break;
      const message = bytes.subarray(offset, offset + length);
      offset += length;
      this.answer(socket, decoder.decode(message));
    }
    return offset;
  }

  private answer(socket: Socket, message: unknown): void {
    if (!isRequest(message)) throw new TypeError('not a request');
    const [, id, method, args] = message;
    this.perform(socket, id, method, args);
  }

  private perform(socket: Socket, id: number, method: string, args: readonly unknown[]): void {
    const fail = (error: Error): void => send(socket, [1, id, String(error.message), null]);
    try {
      const result = this.handle(method, args);
      if (result instanceof Promise) result.then((value) => sendResult(socket, id, value), fail);
      else sendResult(socket, id, result);
    } catch (error) {
      fail(error as Error);
    }
  }
}

const argumentOf = (call: LogPhaseCall): object =>
  call.method === 'Step'
    ? { EventId: call.eventId, Data: call.data }
    : { InstanceId: call.instanceId, EventName: 'log' };

function sendResult(socket: Socket, id: number, result: unknown): void {
  if (!(result instanceof LogPhaseAnswer)) send(socket, [1, id, null, result]);
  else if (socket.writable) socket.write(encodeLogPhaseAnswer(id, result));
}

function send(socket: Socket, answer: unknown): void {
  if (!socket.writable) return;
  const bytes = encoder.encode(answer);
  socket.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

type Request = readonly [0, number, string, readonly unknown[]];

const isRequest = (message: unknown): message is Request =>
  Array.isArray(message) &&
  message[0] === 0 &&
  typeof message[1] === 'number' &&
  typeof message[2] === 'string' &&
  Array.isArray(message[3]);
