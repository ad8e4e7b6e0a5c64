import type { Server } from 'node:http';

/** How often connections are looked for whose last answer has gone out, milliseconds. */
const lookEveryMs = 20;

/**
 * Takes no more connections and ends when every request under way is answered; those that are not answered after `limitMs`
 * are cut. Connections that are kept alive are closed as soon as they are idle, or a client's pool would hold up the end.
 */
export const closeServer = (server: Server, limitMs: number): Promise<void> =>
  new Promise((resolve) => {
    const look = setInterval(() => server.closeIdleConnections(), lookEveryMs);
    const limit = setTimeout(() => server.closeAllConnections(), limitMs);
    server.close(() => {
      clearInterval(look);
      clearTimeout(limit);
      resolve();
    });
    server.closeIdleConnections();
  });
