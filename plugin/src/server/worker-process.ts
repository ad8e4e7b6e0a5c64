import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import type { Log } from '../observability/log';
import { shortPath } from '../sockets/unix-socket';
import type { InstanceDirectory, InstanceStart } from './instance-directory';
import type { ServerOptions } from './options';
import { loadPlugins, sidecarsOf } from './plugins';
import { ProcessChannel } from './process-channel';
import { RpcListener } from './rpc-listener';
import { configureSidecars, type ServerHealth, serverHealth } from './serve';

/** What a worker tells its parent when asked how it is. */
export interface WorkerObservation {
  readonly metrics: MetricObjectWithValues<MetricValue<string>>[];
  readonly health: ServerHealth;
}

/** Runs one of several processes that share Kong's socket; the parent accepts and deals the connections out. */
export async function runWorker(
  options: ServerOptions & { readonly socket: string },
  slot: string,
  log: Log,
): Promise<void> {
  const parent = { send: (message: object) => process.send?.(message), on: process.on.bind(process) };
  const channel = new ProcessChannel(parent, {
    observe: async (): Promise<WorkerObservation> => ({
      metrics: (await Promise.all(sidecars.map(({ registry }) => registry.getMetricsAsJSON()))).flat(),
      health: serverHealth(server, sidecars),
    }),
    stop: async () => {
      listener.close();
      await Promise.all(sidecars.map((sidecar) => sidecar.drain(options.drainMs)));
      setImmediate(() => process.exit(0));
    },
  });
  const server = loadPlugins(options.pluginsDirectory, log, directoryOver(channel));
  const sidecars = sidecarsOf(server);
  const listener = new RpcListener((method, args) => server.call(method, args), log);
  // The parent decides when to stop: a terminal sends its signals to every process.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  process.on('disconnect', () => process.exit(1));
  await configureSidecars(sidecars, options, slot);
  await server.recallAll();
  await listener.listen(shortPath(options.socket));
  await channel.request('ready');
}

/** The parent's directory, asked over the channel. */
function directoryOver(channel: ProcessChannel): InstanceDirectory {
  return {
    reserve: () => channel.request<number>('instance.reserve'),
    record: (id, start) => channel.request('instance.record', { id, start }),
    find: (id) => channel.request<InstanceStart | undefined>('instance.find', id),
    ids: () => channel.request<number[]>('instance.ids'),
    forget: (id) => channel.request('instance.forget', id),
  };
}
