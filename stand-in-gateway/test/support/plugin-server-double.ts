import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decode, encode } from '@msgpack/msgpack';

export type RpcRequest = [0, number, string, unknown[]];

/** Gives the error and the result to a request. */
export type RpcAnswer = (request: RpcRequest) => { error?: string; result?: unknown };

export interface PluginServerDouble {
  socketPath: string;
  requests: RpcRequest[];
  /** Connections accepted so far. */
  connections: () => number;
  close: () => Promise<void>;
}

/** A plugin server that answers as told. One message per chunk, as kong-pdk's own listener reads them. */
export async function startPluginServer(
  answer: RpcAnswer,
  socketPath = path.join(mkdtempSync(path.join(tmpdir(), 'stand-in-')), 'plugin.sock'),
): Promise<PluginServerDouble> {
  const requests: RpcRequest[] = [];
  const sockets = new Set<net.Socket>();
  let connections = 0;
  const server = net.createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    let received = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      let request: RpcRequest;
      try {
        request = decode(received) as RpcRequest;
      } catch (error) {
        if (error instanceof RangeError) return;
        throw error;
      }
      received = Buffer.alloc(0);
      requests.push(request);
      const { error, result } = answer(request);
      socket.write(encode([1, request[1], error ?? null, result ?? null]));
    });
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    socketPath,
    requests,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => {
          rmSync(path.dirname(socketPath), { recursive: true, force: true });
          resolve();
        });
      }),
  };
}

/** A plugin server whose plugin does nothing but ask for what is listed, one PDK call after the other. */
export function askingPlugin(calls: readonly { Method: string; Args?: unknown[] }[]): RpcAnswer {
  let nextId = 0;
  const progress = new Map<number, number>();
  return ([, , method, [argument]]) => {
    if (method === 'plugin.StartInstance') {
      nextId += 1;
      return { result: { Name: (argument as { Name: string }).Name, Id: nextId, Config: {}, StartTime: 0 } };
    }
    if (method === 'plugin.CloseInstance') return { result: { Name: 'p', Id: argument, Config: {} } };
    const isStart = method === 'plugin.HandleEvent';
    if (isStart) nextId += 1;
    const event = isStart ? nextId : (argument as { EventId: number }).EventId;
    const step = isStart ? 0 : progress.get(event)! + 1;
    progress.set(event, step);
    const call = calls[step];
    return {
      result: { EventId: event, Data: call ? { Method: call.Method, Args: call.Args ?? [] } : 'ret' },
    };
  };
}
