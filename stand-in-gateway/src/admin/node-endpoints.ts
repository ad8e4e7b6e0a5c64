import type { Configuration } from '../configuration';
import type { Edition } from '../schema/entity-schemas';
import { isRecord } from '../schema/field-schema';
import type { PluginCatalog } from '../schema/plugin-catalog';
import { type AdminAnswer, type AdminRequest, methodNotAllowed } from './admin-answer';
import { schemaViolation } from './admin-errors';

/** What the gateway says about itself. */
export interface NodeFacts {
  nodeId: string;
  edition: Edition;
  mode: 'dbless' | 'postgres';
  catalog: PluginCatalog;
  configuration: Configuration;
  /** Connections and requests of the proxy, as nginx counts them. */
  connections: () => { active: number; accepted: number; requests: number };
  metrics: () => string;
}

/** `/`, `/status`, `/metrics` and `/schemas/plugins`. Undefined when the path is none of them. */
export function nodeEndpoint(facts: NodeFacts, request: AdminRequest): AdminAnswer | undefined {
  const [first, second, third] = request.segments;
  if (first === 'schemas' && second === 'plugins' && third !== undefined && request.segments.length === 3) {
    return third === 'validate' ? validatePlugin(facts, request) : describePlugin(facts, third);
  }
  if (request.segments.length > 1) return undefined;
  const endpoints: Record<string, () => AdminAnswer> = {
    '': () => ({ status: 200, body: information(facts) }),
    status: () => ({ status: 200, body: status(facts) }),
    metrics: () => ({
      status: 200,
      body: facts.metrics(),
      headers: { 'Content-Type': 'text/plain; charset=UTF-8' },
    }),
  };
  const endpoint = endpoints[first ?? ''];
  if (!endpoint) return undefined;
  return request.method === 'GET' ? endpoint() : methodNotAllowed;
}

/** Enterprise versions have a fourth number. */
const versions: Readonly<Record<Edition, string>> = {
  oss: '3.9.3',
  enterprise: '3.9.1.2',
  konnect: '3.9.1.2',
};

function information({ nodeId, edition, mode, catalog }: NodeFacts): unknown {
  const plugins = catalog.list();
  return {
    version: versions[edition],
    ...(edition === 'oss' ? {} : { edition: 'enterprise' }),
    tagline: 'Welcome to kong',
    node_id: nodeId,
    configuration: {
      database: mode === 'dbless' ? 'off' : 'postgres',
      plugins: plugins.map(({ name }) => name),
    },
    plugins: {
      available_on_server: Object.fromEntries(
        plugins.map(({ name, priority, version: own }) => [name, { priority, version: own }]),
      ),
    },
  };
}

/** Sizes in MiB of the shared dictionaries of a Kong with default settings; this gateway has none to measure. */
const sharedDictionaries: Readonly<Record<string, string>> = {
  kong: '5.00',
  kong_locks: '8.00',
  kong_healthchecks: '5.00',
  kong_cluster_events: '5.00',
  kong_rate_limiting_counters: '12.00',
  kong_core_db_cache: '128.00',
  kong_core_db_cache_miss: '12.00',
  kong_db_cache: '128.00',
  kong_db_cache_miss: '12.00',
  kong_secrets: '5.00',
};

function status({ mode, configuration, connections }: NodeFacts): unknown {
  const { active, accepted, requests } = connections();
  const heapMiB = (process.memoryUsage().heapUsed / 2 ** 20).toFixed(2);
  return {
    ...(mode === 'dbless' ? { configuration_hash: configuration.hash } : { database: { reachable: true } }),
    memory: {
      workers_lua_vms: [{ pid: process.pid, http_allocated_gc: `${heapMiB} MiB` }],
      lua_shared_dicts: Object.fromEntries(
        Object.entries(sharedDictionaries).map(([name, capacity]) => [
          name,
          { allocated_slabs: '0.04 MiB', capacity: `${capacity} MiB` },
        ]),
      ),
    },
    server: {
      connections_active: active,
      connections_accepted: accepted,
      connections_handled: accepted,
      connections_reading: 0,
      connections_writing: active,
      connections_waiting: 0,
      total_requests: requests,
    },
  };
}

function describePlugin({ catalog }: NodeFacts, name: string): AdminAnswer {
  const plugin = catalog.get(name);
  if (!plugin) return { status: 404, body: { message: `No plugin named '${name}'` } };
  return { status: 200, body: catalog.describe(plugin) };
}

function validatePlugin({ catalog }: NodeFacts, request: AdminRequest): AdminAnswer {
  if (request.method !== 'POST') return methodNotAllowed;
  const { name, config } = request.fields;
  if (typeof name !== 'string') return schemaViolation({ name: 'required field missing' });
  if (config !== undefined && config !== null && !isRecord(config)) {
    return schemaViolation({ config: 'expected a record' });
  }
  const checked = catalog.checkConfig(name, config);
  if (!checked) {
    const message = `plugin '${name}' not enabled; add it to the 'plugins' configuration property`;
    return schemaViolation({ name: message });
  }
  if (checked.errors) return schemaViolation({ config: checked.errors });
  return { status: 200, body: { message: 'schema validation successful' } };
}
