import { createServer, type Server } from 'node:http';

/** What the server can say about itself; both may ask other processes. */
export interface Observations {
  readonly metrics: () => Promise<string>;
  readonly health: () => Promise<{ readonly healthy: boolean } & Record<string, unknown>>;
}

/** Serves `GET /healthz` (200 or 503, JSON) and `GET /metrics` (Prometheus text). Resolves when it listens. */
export function serveObservations(
  address: { readonly host: string; readonly port: number },
  observations: Observations,
): Promise<Server> {
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, body: string): void => {
      response.writeHead(status, { 'content-type': type }).end(body);
    };
    const path = request.url?.split('?', 1)[0];
    if (path === '/healthz') {
      observations.health().then(
        (health) => answer(health.healthy ? 200 : 503, 'application/json', `${JSON.stringify(health)}\n`),
        () => answer(503, 'application/json', '{"healthy":false}\n'),
      );
    } else if (path === '/metrics') {
      observations.metrics().then(
        (text) => answer(200, 'text/plain; version=0.0.4; charset=utf-8', text),
        () => answer(503, 'text/plain', 'metrics are not available\n'),
      );
    } else answer(404, 'text/plain', 'try /healthz or /metrics\n');
  });
  server.requestTimeout = 5_000;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => resolve(server));
  });
}
