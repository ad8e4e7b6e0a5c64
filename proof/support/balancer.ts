import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A load balancer on loopback: each connection goes to the next replica that takes it. */
export interface Balancer {
  port: number;
  close(): Promise<void>;
}

export const startBalancer = async (ports: readonly number[]): Promise<Balancer> => {
  const sockets = new Set<Socket>();
  let turn = 0;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // What breaks on one side ends the other; the client is the one that tries again.
    socket.on('error', () => socket.destroy());
  };
  const join = (client: Socket, attempt: number): void => {
    if (attempt === ports.length) {
      client.destroy();
      return;
    }
    turn += 1;
    const server = connect({ port: ports[turn % ports.length]!, host: '127.0.0.1' });
    server.once('error', () => join(client, attempt + 1));
    server.once('connect', () => {
      server.removeAllListeners('error');
      keep(server);
      client.once('close', () => server.destroy());
      server.once('close', () => client.destroy());
      client.pipe(server).pipe(client);
    });
  };
  const server = createServer((client) => {
    keep(client);
    join(client, 0);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4_096, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
};
