import { randomUUID } from 'node:crypto';
import type http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AdminAnswer, AdminRequest } from './admin/admin-answer';
import { createAdminServer } from './admin/admin-server';
import { type ConfigLoading, configEndpoint } from './admin/config-endpoint';
import { entityEndpoint } from './admin/entity-endpoints';
import { nodeEndpoint, unknownPath } from './admin/node-endpoints';
import type { Configuration } from './configuration';
import type { FlattenContext } from './declarative/flatten-entities';
import { ExternalPlugins, type LogStats, type PluginServerSettings } from './plugin-server/external-plugins';
import { HttpLog, type HttpLogStats } from './proxy/http-log';
import { createProxyServer } from './proxy/proxy-server';
import { ProxyView } from './proxy/proxy-view';
import { RequestCounters } from './proxy/request-counters';
import { Upstream } from './proxy/upstream';
import type { PluginCatalog } from './schema/plugin-catalog';

/** Kong's default listen backlog is far above Node's 511; a burst of new connections must not be refused here. */
const BACKLOG = 16_384;

interface NodeSettings {
  configuration: Configuration;
  catalog: PluginCatalog;
  mode: 'dbless' | 'postgres';
  pluginServers: readonly PluginServerSettings[];
  environment: Readonly<Record<string, string | undefined>>;
  log: (level: string, parts: readonly unknown[]) => void;
  configLoadMs: number;
  flatten: () => FlattenContext;
}

/** What a node has done so far. */
export interface NodeStats {
  proxiedRequests: number;
  logEvents: Readonly<LogStats>;
  /** Log events that wait for their turn or for the plugin server. */
  unfinishedLogEvents: number;
  pluginConnections: number;
  httpLog: Readonly<HttpLogStats>;
  /** Admin API calls by `METHOD /path/{id}`. */
  adminCalls: Readonly<Record<string, number>>;
}

/** One gateway: a proxy and an Admin API of its own. */
export class GatewayNode {
  readonly view: ProxyView;
  readonly nodeId = randomUUID();
  private readonly upstream = new Upstream();
  private readonly httpLog = new HttpLog();
  private readonly counters = new RequestCounters();
  private readonly externalPlugins: ExternalPlugins;
  private readonly proxy: http.Server;
  private readonly admin: http.Server;
  private readonly loading: ConfigLoading = { isLoading: false };
  private readonly adminCalls: Record<string, number> = {};
  private sequence = 0;
  private proxiedRequests = 0;
  private acceptedConnections = 0;
  private activeConnections = 0;

  constructor(private readonly settings: NodeSettings) {
    const { catalog, environment, pluginServers, log } = settings;
    this.view = new ProxyView({ catalog, environment, nextSequence: () => ++this.sequence });
    this.externalPlugins = new ExternalPlugins(pluginServers, { nodeId: this.nodeId, log });
    const { view, upstream, externalPlugins, httpLog, counters } = this;
    this.proxy = createProxyServer({ view, upstream, externalPlugins, httpLog, counters });
    this.proxy.on('request', () => {
      this.proxiedRequests += 1;
    });
    this.proxy.on('connection', (socket) => {
      this.acceptedConnections += 1;
      this.activeConnections += 1;
      socket.on('close', () => {
        this.activeConnections -= 1;
      });
    });
    this.admin = createAdminServer(
      (request) => this.answerAdmin(request),
      () => false,
    );
  }

  get stats(): NodeStats {
    return {
      proxiedRequests: this.proxiedRequests,
      logEvents: { ...this.externalPlugins.stats },
      unfinishedLogEvents: this.externalPlugins.unfinishedLogs,
      pluginConnections: this.externalPlugins.openConnections,
      httpLog: { ...this.httpLog.stats },
      adminCalls: { ...this.adminCalls },
    };
  }

  /** Starts listening on loopback; port 0 takes a free one. */
  async listen(proxyPort: number, adminPort: number): Promise<{ proxyUrl: string; adminUrl: string }> {
    return {
      proxyUrl: await listenOn(this.proxy, proxyPort),
      adminUrl: await listenOn(this.admin, adminPort),
    };
  }

  /** Stops at once: open connections are cut, waiting log events are lost, as when Kong exits. */
  async close(): Promise<void> {
    await Promise.all([closeServer(this.proxy), closeServer(this.admin)]);
    this.upstream.close();
    this.httpLog.close();
    this.externalPlugins.close();
  }

  private async answerAdmin(request: AdminRequest): Promise<AdminAnswer> {
    const { configuration, catalog, mode, configLoadMs, flatten } = this.settings;
    this.countAdminCall(request);
    if (request.segments.length === 1 && request.segments[0] === 'config') {
      return configEndpoint(
        { configuration, mode, loading: this.loading, loadMs: configLoadMs, flatten },
        request,
      );
    }
    const { nodeId } = this;
    const connections = () => ({
      active: this.activeConnections,
      accepted: this.acceptedConnections,
      requests: this.proxiedRequests,
    });
    const metrics = () => this.counters.render();
    const facts = { nodeId, version: '3.9.3', mode, catalog, configuration, connections, metrics };
    const entities = { configuration, catalog, mode, nowSeconds, randomUuid: randomUUID };
    return nodeEndpoint(facts, request) ?? entityEndpoint(entities, request) ?? unknownPath;
  }

  private countAdminCall({ method, segments }: AdminRequest): void {
    const pattern = segments.map((segment, index) => (index % 2 === 0 ? segment : '{id}')).join('/');
    const key = `${method} /${pattern}`;
    this.adminCalls[key] = (this.adminCalls[key] ?? 0) + 1;
  }
}

/** Epoch seconds, in which Kong stamps entities. */
export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

function listenOn(server: http.Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1', backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    });
  });
}

function closeServer(server: http.Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
