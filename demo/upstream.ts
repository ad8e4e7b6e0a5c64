import { createServer } from 'node:http';

export interface Upstream {
  /** Requests that reached the upstream, by the consumer that Kong named. */
  served: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** The API behind the gateway. It counts what the gateway let through, which is what the meter must say. */
export const startUpstream = async (port: number): Promise<Upstream> => {
  const served = new Map<string, number>();
  const server = createServer((request, response) => {
    const consumer = String(request.headers['x-consumer-username'] ?? 'anonymous');
    served.set(consumer, (served.get(consumer) ?? 0) + 1);
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ order: 1, for: consumer }));
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    served,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
