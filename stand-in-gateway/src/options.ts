import type { EnterpriseSettings } from './admin/enterprise-gate';
import type { KonnectSettings } from './admin/konnect-gate';
import type { Edition } from './schema/entity-schemas';
import type { PluginInfo } from './schema/plugin-catalog';

/** A plugin server beside the gateway, as KONG_PLUGINSERVER_NAMES, _SOCKET and _QUERY_CMD describe one to Kong. */
export interface PluginServerOption {
  /** Path of the unix socket that the plugin server listens on. */
  socketPath: string;
  /** What the query command prints: its text in a file, or the parsed list. */
  info: string | readonly PluginInfo[];
}

/** Settings of the stand-in gateway; everything has a default but the configuration. */
export interface StandInGatewayOptions {
  /** Path of the declarative file to start from. One of `configPath` and `config` is needed. */
  configPath?: string;
  /** The declarative text itself. */
  config?: string;
  /** Database-less (the default of the OSS edition) or with a database, which here is memory. */
  mode?: 'dbless' | 'postgres';
  edition?: Edition;
  /** 0, the default, takes a free port. With several nodes each takes a free port but the first. */
  proxyPort?: number;
  adminPort?: number;
  /** Bundled plugins to offer, as KONG_PLUGINS lists them; all by default. */
  plugins?: readonly string[];
  pluginServers?: readonly PluginServerOption[];
  /** Number of gateway nodes; with a database they share it, without one each has its own configuration. */
  nodeCount?: number;
  /**
   * Milliseconds from an Admin API answer until the node's proxy follows it. Default 10 with a database and 2
   * without, as measured on Kong 3.9.3; 0 applies changes before the answer.
   */
  propagationMs?: number;
  /** Milliseconds until the other nodes of a database follow (Kong's db_update_frequency). Default 5000. */
  clusterUpdateMs?: number;
  /** Milliseconds that POST /config takes to load, during which another one gets 429. Default 10. */
  configLoadMs?: number;
  /** Workspace and RBAC users, for the edition `enterprise`. */
  enterprise?: EnterpriseSettings;
  /** Control plane, token and limits; needed for the edition `konnect`. */
  konnect?: KonnectSettings;
  /** Where `{vault://env/...}` looks. Default: the process's environment. */
  environment?: Readonly<Record<string, string | undefined>>;
  /** Takes what plugins log by kong.log.*; by default it is dropped. */
  log?: (level: string, parts: readonly unknown[]) => void;
}
