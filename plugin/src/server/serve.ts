import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Log } from '../observability/log';
import type { DestinationState } from '../observability/measurements';
import type { Sidecar } from '../sidecar';
import { isListening, shortPath } from '../sockets/unix-socket';
import { serveObservations } from './observation-server';
import { OptionsError, type ServerOptions } from './options';
import type { PluginServer } from './plugin-server';
import { RpcListener } from './rpc-listener';

/** A server that runs; `stop` drains and closes it. */
export interface Running {
  /** Port of /healthz and /metrics. */
  readonly port: number;
  stop(): Promise<void>;
}

/** Writes the file that Kong's query command prints, whole or not at all. */
export async function writeInfo(file: string, server: PluginServer): Promise<void> {
  const infos = await Promise.all([...server.plugins.keys()].map((name) => server.GetPluginInfo(name)));
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(infos)}\n`);
  renameSync(temporary, file);
}

/** Prepares the path: takes away what a killed server left, refuses one that another server answers on. */
export async function clearSocket(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  if (await isListening(path)) throw new OptionsError([`another plugin server is listening on ${path}`]);
  rmSync(path, { force: true });
}

/** One process that does everything: the socket for Kong, deliveries, health and metrics. */
export async function serve(
  options: ServerOptions & { readonly socket: string },
  server: PluginServer,
  sidecars: readonly Sidecar[],
  log: Log,
): Promise<Running> {
  await clearSocket(options.socket);
  await configureSidecars(sidecars, options, '1');
  const listener = new RpcListener((method, args) => server.call(method, args), log);
  await listener.listen(shortPath(options.socket));
  const observations = await serveObservations(options, {
    metrics: async () => (await Promise.all(sidecars.map(({ registry }) => registry.metrics()))).join('\n'),
    health: async () => ({
      healthy: true,
      plugins: [...server.plugins.keys()],
      instances: server.instances.size,
    }),
  });
  const { port } = observations.address() as { port: number };
  return {
    port,
    stop: async () => {
      listener.close();
      await Promise.all(sidecars.map((sidecar) => sidecar.drain(options.drainMs)));
      observations.close();
      server.close();
    },
  };
}

export interface ServerHealth {
  readonly pid: number;
  readonly healthy: boolean;
  readonly plugins: readonly string[];
  readonly instances: number;
  readonly destinations: readonly DestinationState[];
}

/** Healthy while every journal takes events; an endpoint that does not answer is what the journal is for. */
export function serverHealth(server: PluginServer, sidecars: readonly Sidecar[]): ServerHealth {
  const destinations = sidecars.flatMap((sidecar) => sidecar.states());
  return {
    pid: process.pid,
    healthy: destinations.every(({ held }) => held === 0),
    plugins: [...server.plugins.keys()],
    instances: server.instances.size,
    destinations,
  };
}

/** Tells the plugins of this process where to keep what they must not lose. */
export async function configureSidecars(
  sidecars: readonly Sidecar[],
  { journal, journalMaxBytes, fsync, source, replay }: ServerOptions,
  slot: string,
): Promise<void> {
  const place = { directory: journal, slot, maxBytes: journalMaxBytes, fsync };
  await Promise.all(sidecars.map((sidecar) => sidecar.configure({ journal: place, source, replay })));
}
