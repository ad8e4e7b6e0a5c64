import { resolveReferences } from '../declarative/resolve-references';
import type { KeyAuthCredential, Plugin, Route, Service } from '../entities/entity';
import type { EntityStore } from '../entities/entity-store';
import type { PluginCatalog } from '../schema/plugin-catalog';
import { type PluginBinding, type PluginSlot, pluginSlots } from './plugin-slots';
import type { ProxyConsumer } from './proxy-consumer';
import { Router, routeEntries } from './router';

/** The one workspace of Kong OSS; its id is fixed where there is no database. */
export const DEFAULT_WORKSPACE_ID = '0dc6f45b-8f8d-40d2-a504-473544ee190b';

/** A route with all that a request on it needs, worked out beforehand. */
export interface RouteTarget {
  route: Route;
  service: Service;
  presentRoute: Record<string, unknown>;
  presentService: Record<string, unknown>;
  routeJson: string;
  serviceJson: string;
  slots: readonly PluginSlot[];
}

interface ViewContext {
  catalog: PluginCatalog;
  environment: Readonly<Record<string, string | undefined>>;
  /** Gives each build of the plugins its own sequence numbers, by which instances know that they are stale. */
  nextSequence: () => number;
}

/**
 * The configuration as a proxy worker sees it: compiled, and older than the Admin API's by the propagation delay.
 */
export class ProxyView {
  router: Router<RouteTarget> = new Router([]);
  /** Plugins that apply where no route matched: the global ones. */
  globalSlots: readonly PluginSlot[] = [];
  private readonly consumers = new Map<string, ProxyConsumer>();
  private readonly credentials = new Map<string, KeyAuthCredential>();
  private readonly keysOf = new Map<string, readonly string[]>();

  constructor(private readonly context: ViewContext) {}

  /** Takes over everything from the store. */
  rebuild(store: EntityStore): void {
    this.rebuildRoutes(store);
    this.consumers.clear();
    this.credentials.clear();
    this.keysOf.clear();
    for (const consumer of store.table('consumers').list()) this.refreshConsumer(store, consumer.id);
  }

  /** Takes over services, routes and plugins from the store. */
  rebuildRoutes(store: EntityStore): void {
    const bindings = store
      .table('plugins')
      .list()
      .filter((plugin) => plugin.enabled)
      .flatMap((plugin) => this.bind(plugin, store));
    this.globalSlots = pluginSlots(bindings.filter(({ plugin }) => !plugin.route && !plugin.service));
    const entries = store
      .table('routes')
      .list()
      .flatMap((route) => {
        const service = route.service ? store.table('services').get(route.service.id) : undefined;
        return service?.enabled ? routeEntries(route, service, routeTarget(route, service, bindings)) : [];
      });
    this.router = new Router(entries);
  }

  /** Takes over one consumer with its groups and keys from the store. */
  refreshConsumer(store: EntityStore, id: string): void {
    for (const key of this.keysOf.get(id) ?? []) this.credentials.delete(key);
    this.keysOf.delete(id);
    const entity = store.table('consumers').get(id);
    if (!entity) {
      this.consumers.delete(id);
      return;
    }
    const present = presentFields(entity);
    this.consumers.set(id, {
      entity,
      present,
      json: JSON.stringify(present),
      groups: store
        .table('acls')
        .listBy('consumer', id)
        .map((acl) => acl.group),
      consumerGroups: consumerGroupNames(store, id),
    });
    const credentials = store.table('keyauth_credentials').listBy('consumer', id);
    for (const credential of credentials) this.credentials.set(credential.key, credential);
    if (credentials.length > 0)
      this.keysOf.set(
        id,
        credentials.map(({ key }) => key),
      );
  }

  findCredential(key: string): KeyAuthCredential | undefined {
    return this.credentials.get(key);
  }

  findConsumer(id: string): ProxyConsumer | undefined {
    return this.consumers.get(id);
  }

  findConsumerByIdOrName(idOrName: string): ProxyConsumer | undefined {
    const byId = this.consumers.get(idOrName);
    if (byId) return byId;
    for (const consumer of this.consumers.values())
      if (consumer.entity.username === idOrName) return consumer;
    return undefined;
  }

  private bind(plugin: Plugin, store: EntityStore): PluginBinding[] {
    const known = this.context.catalog.get(plugin.name);
    if (!known) return [];
    const { config, refs } = resolveReferences(known.configFields, plugin.config, this.context.environment);
    const groupId = plugin.consumer_group?.id;
    const group = groupId === undefined ? undefined : store.table('consumer_groups').get(groupId)?.name;
    return [{ plugin, known, config, refs, consumerGroup: group, sequence: this.context.nextSequence() }];
  }
}

function routeTarget(route: Route, service: Service, bindings: readonly PluginBinding[]): RouteTarget {
  const presentRoute = { ...presentFields(route), ws_id: DEFAULT_WORKSPACE_ID };
  const presentService = { ...presentFields(service), ws_id: DEFAULT_WORKSPACE_ID };
  const applicable = bindings.filter(
    ({ plugin }) =>
      (!plugin.route || plugin.route.id === route.id) &&
      (!plugin.service || plugin.service.id === service.id),
  );
  return {
    route,
    service,
    presentRoute,
    presentService,
    routeJson: JSON.stringify(presentRoute),
    serviceJson: JSON.stringify(presentService),
    slots: pluginSlots(applicable),
  };
}

function consumerGroupNames(store: EntityStore, consumerId: string): string[] {
  if (!store.findTable('consumer_group_consumers')) return [];
  return store
    .table('consumer_group_consumers')
    .listBy('consumer', consumerId)
    .flatMap((member) => store.table('consumer_groups').get(member.consumer_group.id)?.name ?? [])
    .sort();
}

/** An entity without its absent fields: Lua tables hold no nil. */
export function presentFields(entity: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(entity).filter(([, value]) => value !== null && value !== undefined),
  );
}
