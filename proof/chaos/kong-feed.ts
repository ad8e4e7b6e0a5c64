import { logEntryTemplate } from '../../benchmarks/plugin/log-entry-template';
import { KongConnection } from '../../plugin/test/support/kong-client';

/** One request that Kong served, as its plugin server is told of it. */
export interface ServedRequest {
  /** Kong's request id, which becomes the event's id. */
  id: string;
  consumer: string;
}

export interface KongFeedOptions {
  socket: string;
  /** The plugin's configuration. */
  config: object;
  connections: number;
  /** The next request, undefined when there are no more. It may be waited for. */
  next: () => Promise<ServedRequest | undefined>;
  /** The plugin server has acknowledged it: it stands in the journal. */
  onAcknowledged: () => void;
  /** Ends the trying again. */
  signal: AbortSignal;
}

/** Between attempts while the plugin server is down, milliseconds. */
const pauseMs = 50;

/**
 * Kong's side of a plugin server's socket. A request whose acknowledgement did not come is told again, with the same id,
 * until it does: the plugin server may have been killed before or after it stood in the journal, and one that arrives twice
 * has to be counted once.
 */
export const feedPluginServer = async (options: KongFeedOptions): Promise<{ repeats: number }> => {
  let repeats = 0;
  let instance: Promise<number> | undefined;

  const instanceOver = (kong: KongConnection): Promise<number> => {
    instance ??= kong.startInstance(options.config);
    return instance;
  };

  const client = async (): Promise<void> => {
    let kong: KongConnection | undefined;
    for (;;) {
      const request = await options.next();
      if (!request) break;
      for (let isRepeat = false; ; isRepeat = true) {
        try {
          kong ??= await KongConnection.open(options.socket);
          await kong.log(await instanceOver(kong), entryOf(request));
          break;
        } catch {
          options.signal.throwIfAborted();
          if (!isRepeat) repeats += 1;
          kong?.close();
          kong = undefined;
          instance = undefined;
          await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
      }
      options.onAcknowledged();
    }
    kong?.close();
  };

  await Promise.all(Array.from({ length: options.connections }, client));
  return { repeats };
};

const idMark = '0'.repeat(32);
const template = logEntryTemplate(idMark).replace(
  '"username":"alice","custom_id":"cust-alice"',
  '"username":"@"',
);

const entryOf = ({ id, consumer }: ServedRequest): string =>
  template
    .replaceAll(idMark, id)
    .replace('"username":"@"', `"username":"${consumer}"`)
    .replace(/"started_at":\d+/, `"started_at":${Date.now()}`);
