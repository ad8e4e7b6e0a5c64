import { randomUUID } from 'node:crypto';
import type http from 'node:http';
import type { AddressInfo } from 'node:net';
import { AdminApi } from './admin/admin-api';
import { AdminCalls } from './admin/admin-calls';
import { type AdminFault, AdminFaults } from './admin/admin-faults';
import { createAdminServer } from './admin/admin-server';
import type { EnterpriseSettings } from './admin/enterprise-gate';
import type { KonnectSettings } from './admin/konnect-gate';
import { Configuration } from './configuration';
import type { FlattenContext } from './declarative/flatten-entities';
import { EntityStore } from './entities/entity-store';
import { ExternalPlugins, type LogStats, type PluginServerSettings } from './plugin-server/external-plugins';
import { HttpLog, type HttpLogStats } from './proxy/http-log';
import { createProxyServer } from './proxy/proxy-server';
import { ProxyView } from './proxy/proxy-view';
import { RequestCounters } from './proxy/request-counters';
import { Upstream } from './proxy/upstream';
import type { Edition } from './schema/entity-schemas';
import type { PluginCatalog } from './schema/plugin-catalog';

/** Kong's default listen backlog is far above Node's 511; a burst of new connections must not be refused here. */
const BACKLOG = 16_384;

interface NodeSettings {
  configuration: Configuration;
  catalog: PluginCatalog;
  mode: 'dbless' | 'postgres';
  edition: Edition;
  enterprise: EnterpriseSettings;
  konnect: KonnectSettings;
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
  /** Admin API calls by `METHOD /path/{id}`, those that failed by a fault included. */
  adminCalls: Readonly<Record<string, number>>;
  /** The most Admin API calls that were under way at the same time. */
  maxConcurrentAdminCalls: number;
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
  private readonly faults = new AdminFaults();
  private readonly adminCalls = new AdminCalls();
  private adminPort = 0;
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
    const api = this.adminApi();
    this.admin = createAdminServer(
      (request) => api.answer(request),
      (request, response) => {
        this.adminCalls.begin(request, response);
        return this.faults.intercept(request, response);
      },
    );
  }

  get stats(): NodeStats {
    return {
      proxiedRequests: this.proxiedRequests,
      logEvents: { ...this.externalPlugins.stats },
      unfinishedLogEvents: this.externalPlugins.unfinishedLogs,
      pluginConnections: this.externalPlugins.openConnections,
      httpLog: { ...this.httpLog.stats },
      adminCalls: this.adminCalls.byPattern(),
      maxConcurrentAdminCalls: this.adminCalls.maxConcurrent,
    };
  }

  /** Starts listening on loopback; port 0 takes a free one. */
  async listen(proxyPort: number, adminPort: number): Promise<{ proxyUrl: string; adminUrl: string }> {
    const proxyUrl = await listenOn(this.proxy, proxyPort);
    const adminUrl = await listenOn(this.admin, adminPort);
    this.adminPort = Number(new URL(adminUrl).port);
    return { proxyUrl, adminUrl };
  }

  /** Stops at once: open connections are cut, waiting log events are lost, as when Kong exits. */
  async close(): Promise<void> {
    await Promise.all([closeServer(this.proxy), closeServer(this.admin)]);
    this.faults.close();
    this.upstream.close();
    this.httpLog.close();
    this.externalPlugins.close();
  }

  /** Makes the Admin API fail in the given way, until it is told otherwise. */
  async setAdminFault(fault: AdminFault | undefined): Promise<void> {
    this.faults.set(fault);
    const isDown = fault?.kind === 'down';
    if (isDown && this.admin.listening) await closeServer(this.admin);
    if (!isDown && !this.admin.listening) await listenOn(this.admin, this.adminPort);
  }

  private adminApi(): AdminApi {
    const { configuration, catalog, mode, edition, configLoadMs, flatten, enterprise, konnect } =
      this.settings;
    const connections = () => ({
      active: this.activeConnections,
      accepted: this.acceptedConnections,
      requests: this.proxiedRequests,
    });
    const metrics = () => this.counters.render();
    return new AdminApi({
      edition,
      entities: { configuration, catalog, mode, nowSeconds, randomUuid: randomUUID },
      emptyConfiguration: new Configuration(new EntityStore(edition)),
      facts: { nodeId: this.nodeId, edition, mode, catalog, configuration, connections, metrics },
      configLoadMs,
      flatten,
      enterprise,
      konnect,
    });
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
