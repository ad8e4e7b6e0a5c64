import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AdminFault } from './admin/admin-faults';
import type { KonnectSettings } from './admin/konnect-gate';
import { Configuration } from './configuration';
import { DeclarativeError } from './declarative/declarative-error';
import type { FlattenContext } from './declarative/flatten-entities';
import { parseDeclarative } from './declarative/parse-declarative';
import { EntityStore } from './entities/entity-store';
import { GatewayNode, type NodeStats, nowSeconds } from './gateway-node';
import type { PluginServerOption, StandInGatewayOptions } from './options';
import { PluginCatalog, type PluginInfo, parsePluginInfo } from './schema/plugin-catalog';

export type { AdminFault } from './admin/admin-faults';
export type { NodeStats } from './gateway-node';
export type { StandInGatewayOptions } from './options';

/** A configuration file that is missing or cannot be loaded; the message names file, line and what is wrong. */
export class GatewayConfigError extends Error {
  readonly code = 'invalid_gateway_configuration';
}

/** One node of a running gateway. */
export interface StandInNode {
  proxyUrl: string;
  adminUrl: string;
  readonly stats: NodeStats;
  /** Makes this node's Admin API fail in the given way; undefined ends it. */
  setAdminFault(fault: AdminFault | undefined): Promise<void>;
}

/** A running stand-in gateway: its first node, and all of them. */
export interface StandInGateway extends StandInNode {
  nodes: readonly StandInNode[];
  /** Cuts all connections and stops. */
  close(): Promise<void>;
}

/** Kong 3.9.3, measured: 9 to 12 ms from an Admin answer to the proxy with a database, 2 to 3 ms without. */
const PROPAGATION_MS = { postgres: 10, dbless: 2 };

/**
 * Starts a gateway on loopback from a declarative configuration.
 * @throws GatewayConfigError when the configuration cannot be loaded
 */
export async function startStandInGateway(options: StandInGatewayOptions): Promise<StandInGateway> {
  const edition = options.edition ?? 'oss';
  const mode = options.mode ?? (edition === 'oss' ? 'dbless' : 'postgres');
  const pluginServers = (options.pluginServers ?? []).map(readPluginServer);
  const catalog = new PluginCatalog(
    edition,
    options.plugins,
    pluginServers.flatMap(({ infos }) => infos),
  );
  const flatten = (): FlattenContext => ({
    edition,
    catalog,
    nowSeconds: nowSeconds(),
    randomUuid: randomUUID,
  });
  const { text, name } = readConfig(options);
  const propagationMs = options.propagationMs ?? PROPAGATION_MS[mode];
  const shared = mode === 'postgres' ? loadConfiguration(text, name, flatten()) : undefined;
  const configurations: Configuration[] = [];
  const nodes: GatewayNode[] = [];
  for (let index = 0; index < (options.nodeCount ?? 1); index += 1) {
    const configuration = shared ?? loadConfiguration(text, name, flatten());
    const node = new GatewayNode({
      configuration,
      catalog,
      mode,
      edition,
      enterprise: options.enterprise ?? {},
      konnect: konnectSettings(options),
      pluginServers: pluginServers.map(({ settings }) => settings),
      environment: options.environment ?? process.env,
      log: options.log ?? (() => undefined),
      configLoadMs: options.configLoadMs ?? 10,
      flatten,
    });
    configuration.follow(node.view, index > 0 && shared ? (options.clusterUpdateMs ?? 5000) : propagationMs);
    configurations.push(configuration);
    nodes.push(node);
  }
  return run(nodes, configurations, options);
}

async function run(
  nodes: readonly GatewayNode[],
  configurations: readonly Configuration[],
  options: StandInGatewayOptions,
): Promise<StandInGateway> {
  const close = async (): Promise<void> => {
    for (const configuration of configurations) configuration.close();
    await Promise.all(nodes.map((node) => node.close()));
  };
  try {
    const started: StandInNode[] = [];
    for (const [index, node] of nodes.entries()) {
      const isFirst = index === 0;
      const ports = isFirst ? options : {};
      const urls = await node.listen(ports.proxyPort ?? 0, ports.adminPort ?? 0);
      started.push(standInNode(node, urls));
    }
    return Object.assign(standInNode(nodes[0]!, started[0]!), { nodes: started, close });
  } catch (error) {
    await close();
    throw error;
  }
}

function standInNode(
  node: GatewayNode,
  { proxyUrl, adminUrl }: { proxyUrl: string; adminUrl: string },
): StandInNode {
  return {
    proxyUrl,
    adminUrl,
    get stats() {
      return node.stats;
    },
    setAdminFault: (fault) => node.setAdminFault(fault),
  };
}

/** The settings are needed only where they are used; elsewhere nothing is admitted by them. */
function konnectSettings({ edition, konnect }: StandInGatewayOptions): KonnectSettings {
  if (edition === 'konnect' && !konnect) {
    throw new GatewayConfigError('edition konnect: needs konnect.controlPlaneId and konnect.token');
  }
  return konnect ?? { controlPlaneId: '', token: '' };
}

function readPluginServer({ socketPath, info }: PluginServerOption): {
  infos: PluginInfo[];
  settings: { socketPath: string; pluginNames: string[] };
} {
  let infos: PluginInfo[];
  try {
    infos = typeof info === 'string' ? parsePluginInfo(readFileSync(info, 'utf8'), info) : [...info];
  } catch (cause) {
    throw new GatewayConfigError(`plugin information: ${(cause as Error).message}`, { cause });
  }
  // Kong 3.9 takes only the first plugin of each plugin server.
  const first = infos.slice(0, 1);
  return { infos: first, settings: { socketPath, pluginNames: first.map(({ Name }) => Name) } };
}

function readConfig({ configPath, config }: StandInGatewayOptions): {
  text: string | undefined;
  name: string;
} {
  if (configPath === undefined) return { text: config, name: 'configuration' };
  try {
    return { text: readFileSync(configPath, 'utf8'), name: configPath };
  } catch (cause) {
    const reason =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (cause as Error).message;
    throw new GatewayConfigError(`${configPath}: ${reason}; give the path of a kong.yml`, { cause });
  }
}

function loadConfiguration(text: string | undefined, name: string, context: FlattenContext): Configuration {
  const configuration = new Configuration(new EntityStore(context.edition));
  if (text === undefined) return configuration;
  try {
    configuration.replace(parseDeclarative(text, context), text);
  } catch (error) {
    if (!(error instanceof DeclarativeError)) throw error;
    throw new GatewayConfigError(`${name}:${error.line ?? 1}: ${error.message}`, { cause: error });
  }
  return configuration;
}
