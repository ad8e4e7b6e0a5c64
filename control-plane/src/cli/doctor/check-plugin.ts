import { connect } from 'node:net';
import { type Finding, failed, ok, reasonOf, skipped } from './finding';

export interface PluginAddress {
  /** The plugin server's unix socket. */
  socket?: string;
  /** Base URL of its health endpoint. */
  url?: string;
}

const limitMs = 5_000;

/** The plugin server that runs beside Kong, where this machine can see it. */
export const checkPlugin = async ({ socket, url }: PluginAddress): Promise<Finding[]> => {
  if (socket === undefined && url === undefined) {
    return [skipped('plugin', 'name it with --plugin-socket or --plugin-url')];
  }
  return Promise.all([
    ...(socket === undefined ? [] : [checkSocket(socket)]),
    ...(url === undefined ? [] : [checkHealth(url)]),
  ]);
};

const checkSocket = (path: string): Promise<Finding> =>
  new Promise((resolve) => {
    const connection = connect(path);
    const end = (finding: Finding): void => {
      connection.destroy();
      resolve(finding);
    };
    connection.setTimeout(limitMs, () =>
      end(failed('plugin socket', `${path} does not answer`, 'restart tollgate-plugin-server')),
    );
    connection.once('connect', () => end(ok('plugin socket', `${path} takes connections`)));
    connection.once('error', (error: NodeJS.ErrnoException) =>
      end(
        failed(
          'plugin socket',
          error.code === 'ENOENT' ? `${path} does not exist` : `${path}: ${reasonOf(error)}`,
          'start tollgate-plugin-server with --socket on a folder that it shares with Kong',
        ),
      ),
    );
  });

const checkHealth = async (url: string): Promise<Finding> => {
  const address = `${url.replace(/\/+$/, '')}/healthz`;
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(limitMs) });
    const body = await response.text();
    if (response.ok) return ok('plugin health', `${address} is healthy`);
    return failed(
      'plugin health',
      `${address} answers ${response.status}: ${body.trim().slice(0, 200)}`,
      'see the log of tollgate-plugin-server; its journal is full or cannot be written, or nothing is delivered',
    );
  } catch (error) {
    return failed(
      'plugin health',
      `${address} does not answer: ${reasonOf((error as Error).cause ?? error)}`,
      'start tollgate-plugin-server with --port, or correct --plugin-url',
    );
  }
};
