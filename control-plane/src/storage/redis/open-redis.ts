import { createClient, createCluster } from 'redis';
import { answerLimitMs, type SharedCounters, SharedCountersUnavailableError } from './shared-counters';

/** Between two attempts at connecting, milliseconds. */
const pauseMs = 1_000;
const connectLimitMs = 2_000;
/** Commands that may wait for their answer; a server that hangs must not fill the memory. */
const maximumWaiting = 2_000;

export interface OpenRedisOptions {
  /** redis://host:6379 or rediss://..., several with commas between them for the nodes of a cluster. */
  url: string;
  /** Told when the connection is there, and once when it is lost. */
  onChange: (isConnected: boolean, error?: unknown) => void;
}

/** What a client of one server and a client of a cluster have in common, as far as it is used here. */
interface Client {
  connect(): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  destroy(): void;
  on(event: 'error' | 'node-error', listener: (error: Error) => void): unknown;
}

const newClient = (url: string): Client => {
  const urls = url.split(',').map((part) => part.trim());
  // Reconnecting is done here, with a new client: one way back from every fault, those that the server answers included.
  const socket = { connectTimeout: connectLimitMs, reconnectStrategy: false as const };
  if (urls.length === 1) {
    return createClient({
      url: urls[0]!,
      socket,
      disableOfflineQueue: true,
      commandsQueueMaxLength: maximumWaiting,
    }) as unknown as Client;
  }
  const { username, password, protocol } = new URL(urls[0]!);
  return createCluster({
    rootNodes: urls.map((node) => ({ url: node })),
    defaults: {
      ...(username ? { username: decodeURIComponent(username) } : {}),
      ...(password ? { password: decodeURIComponent(password) } : {}),
      socket: protocol === 'rediss:' ? { ...socket, tls: true } : socket,
      disableOfflineQueue: true,
      commandsQueueMaxLength: maximumWaiting,
    },
  }) as unknown as Client;
};

/**
 * Counters in a Redis server or cluster (6.2 or newer). It connects beside everything else, so a Redis that is away holds
 * up neither the start nor a request, and connects again for as long as it is open.
 */
export const openRedis = ({ url, onChange }: OpenRedisOptions): SharedCounters => {
  let current: Client | undefined;
  let connecting: Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let wasConnected: boolean | undefined;
  let isClosed = false;

  const tell = (isConnected: boolean, error?: unknown): void => {
    if (wasConnected === isConnected || isClosed) return;
    wasConnected = isConnected;
    onChange(isConnected, error);
  };

  const connect = (): void => {
    const client = newClient(url);
    connecting = client;
    const lost = (error: unknown): void => {
      if (client !== current && client !== connecting) return;
      current = undefined;
      connecting = undefined;
      destroy(client);
      tell(false, error);
      if (isClosed) return;
      timer = setTimeout(connect, pauseMs);
      timer.unref();
    };
    faults.set(client, lost);
    client.on('error', lost);
    client.on('node-error', lost);
    bounded(client.connect(), connectLimitMs).then(() => {
      if (client !== connecting) return;
      connecting = undefined;
      current = client;
      tell(true);
    }, lost);
  };

  const faults = new WeakMap<Client, (error: unknown) => void>();
  connect();

  return {
    evaluate: async (script, key, values) => {
      const client = current;
      if (!client) throw new SharedCountersUnavailableError();
      try {
        return await bounded(client.eval(script, { keys: [key], arguments: [...values] }), answerLimitMs);
      } catch (error) {
        // Hanging, closed, or a replica that takes no writes (READONLY): another connection may find a better one.
        faults.get(client)?.(error);
        throw new SharedCountersUnavailableError(error);
      }
    },
    close: async () => {
      isClosed = true;
      clearTimeout(timer);
      for (const client of [current, connecting]) if (client) destroy(client);
      current = undefined;
      connecting = undefined;
    },
  };
};

/** A client that is closed already says so by throwing. */
const destroy = (client: Client): void => {
  try {
    client.destroy();
  } catch {
    // Nothing is left to close.
  }
};

const bounded = <T>(work: Promise<T>, limitMs: number): Promise<T> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
    timer.unref();
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
