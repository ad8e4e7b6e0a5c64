import type { Log } from '../observability/log';
import type { Sidecar } from '../sidecar';
import * as tollgate from '../tollgate';
import { type InstanceDirectory, LocalInstanceDirectory } from './instance-directory';
import { Module } from './kong-pdk';
import { PluginServer } from './plugin-server';

/** The plugin server with its plugins loaded: those of the folder, or Tollgate alone when there is none. */
export function loadPlugins(
  directory: string | undefined,
  log: Log,
  instances: InstanceDirectory = new LocalInstanceDirectory(),
): PluginServer {
  const server = new PluginServer(directory, log, instances);
  if (directory === undefined) server.plugins.set('tollgate', new Module('tollgate', undefined, tollgate));
  return server;
}

/** Of the plugins loaded, those that were made for this server. */
export function sidecarsOf(server: PluginServer): Sidecar[] {
  return [...server.plugins.values()]
    .map(({ mod }) => (mod as { sidecar?: Sidecar }).sidecar)
    .filter((sidecar) => sidecar !== undefined);
}
