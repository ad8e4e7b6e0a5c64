import type { Edition } from './entity-schemas';
import { type Checked, checkRecord, type FieldSchema, isRecord, type NamedField } from './field-schema';

/** What an external plugin server's query command prints about one plugin. */
export interface PluginInfo {
  Name: string;
  Version: string;
  Phases: string[];
  Priority: number;
  Schema: { name: string; fields: NamedField[] };
}

/** A plugin that this gateway knows: bundled here, or served by a plugin server. */
export interface KnownPlugin {
  name: string;
  version: string;
  priority: number;
  phases: readonly string[];
  /** Fields of the plugin's `config` record. */
  configFields: readonly NamedField[];
  isExternal: boolean;
}

const KONG_VERSION = '3.9.3';
const strings: FieldSchema = { type: 'array', elements: { type: 'string' } };

const queueFields: NamedField[] = [
  { max_batch_size: { type: 'integer', default: 1, between: [1, 1000000] } },
  { max_coalescing_delay: { type: 'number', default: 1, between: [0, 3600] } },
  { max_entries: { type: 'integer', default: 10000, between: [1, 1000000] } },
  { max_retry_time: { type: 'number', default: 60 } },
  { initial_retry_delay: { type: 'number', default: 0.01, between: [0.001, 1000000] } },
  { max_retry_delay: { type: 'number', default: 60, between: [0.001, 1000000] } },
  { concurrency_limit: { type: 'integer', default: 1, one_of: [1] } },
];

/**
 * Settings that this gateway does not act upon are allowed their default only (`eq`) or are left out, so that a
 * configuration that relies on them is refused and not silently half obeyed.
 */
const bundled = (edition: Edition): KnownPlugin[] => [
  {
    ...bundledPlugin('key-auth', 1250, ['access']),
    configFields: [
      { key_names: { ...strings, required: true, default: ['apikey'] } },
      { hide_credentials: { type: 'boolean', required: true, default: false } },
      { anonymous: { type: 'string' } },
      { key_in_header: { type: 'boolean', required: true, default: true } },
      { key_in_query: { type: 'boolean', required: true, default: true } },
      { key_in_body: { type: 'boolean', required: true, default: false, eq: false } },
      { run_on_preflight: { type: 'boolean', required: true, default: true } },
      { realm: { type: 'string' } },
    ],
  },
  {
    ...bundledPlugin('acl', 950, ['access']),
    configFields: [
      { allow: strings },
      { deny: strings },
      { hide_groups_header: { type: 'boolean', required: true, default: false } },
      { always_use_authenticated_groups: { type: 'boolean', required: true, default: false, eq: false } },
      ...(edition === 'oss'
        ? []
        : [{ include_consumer_groups: { type: 'boolean', required: true, default: false } } as NamedField]),
    ],
  },
  {
    ...bundledPlugin('request-termination', 2, ['access']),
    configFields: [
      { status_code: { type: 'integer', required: true, default: 503, between: [100, 599] } },
      { message: { type: 'string' } },
      { content_type: { type: 'string' } },
      { body: { type: 'string' } },
      { echo: { type: 'boolean', required: true, default: false, eq: false } },
      { trigger: { type: 'string' } },
    ],
  },
  {
    ...bundledPlugin('http-log', 12, ['log']),
    configFields: [
      { http_endpoint: { type: 'string', required: true, referenceable: true } },
      { method: { type: 'string', default: 'POST', one_of: ['POST', 'PUT', 'PATCH'] } },
      { content_type: { type: 'string', default: 'application/json' } },
      { timeout: { type: 'number', default: 10000 } },
      { keepalive: { type: 'number', default: 60000 } },
      { headers: { type: 'map', values: { type: 'string', referenceable: true } } },
      { queue: { type: 'record', required: true, fields: queueFields } },
    ],
  },
  {
    ...bundledPlugin('prometheus', 13, ['log']),
    configFields: [
      { per_consumer: { type: 'boolean', default: false } },
      { status_code_metrics: { type: 'boolean', default: false } },
      { latency_metrics: { type: 'boolean', default: false, eq: false } },
      { bandwidth_metrics: { type: 'boolean', default: false, eq: false } },
      { upstream_health_metrics: { type: 'boolean', default: false, eq: false } },
    ],
  },
];

function bundledPlugin(
  name: string,
  priority: number,
  phases: readonly string[],
): Omit<KnownPlugin, 'configFields'> {
  return { name, version: KONG_VERSION, priority, phases, isExternal: false };
}

/** The plugins a gateway may run, in the order in which Kong lists them. */
export class PluginCatalog {
  private readonly byName = new Map<string, KnownPlugin>();

  /**
   * @param enabled names of the bundled plugins to offer, as KONG_PLUGINS lists them; all of them when undefined
   * @param external plugins of plugin servers
   */
  constructor(edition: Edition, enabled: readonly string[] | undefined, external: readonly PluginInfo[]) {
    for (const plugin of bundled(edition)) {
      if (!enabled || enabled.includes(plugin.name)) this.byName.set(plugin.name, plugin);
    }
    for (const info of external) this.byName.set(info.Name, knownExternal(info));
  }

  get(name: string): KnownPlugin | undefined {
    return this.byName.get(name);
  }

  list(): KnownPlugin[] {
    return [...this.byName.values()];
  }

  /** Checks a plugin's `config` and fills in its defaults; the errors are those of the `config` record. */
  checkConfig(name: string, config: unknown): Checked<Record<string, unknown>> | undefined {
    const plugin = this.byName.get(name);
    if (!plugin) return undefined;
    return checkRecord(plugin.configFields, isRecord(config) ? config : {});
  }

  /** The answer of `/schemas/plugins/{name}`. */
  describe(plugin: KnownPlugin): unknown {
    return {
      fields: [{ config: { type: 'record', required: true, fields: plugin.configFields } }],
      entity_checks: [],
    };
  }
}

function knownExternal(info: PluginInfo): KnownPlugin {
  const config = info.Schema.fields.find((named) => named.config)?.config;
  return {
    name: info.Name,
    version: info.Version,
    priority: info.Priority,
    phases: info.Phases,
    configFields: (config?.fields ?? []).map(requireRecords),
    isExternal: true,
  };
}

/** Kong marks the records of a plugin server's schema as required, so that their defaults apply. */
function requireRecords(named: NamedField): NamedField {
  return Object.fromEntries(
    Object.entries(named).map(([name, schema]) =>
      schema.type === 'record'
        ? [
            name,
            {
              ...schema,
              required: schema.required ?? true,
              fields: (schema.fields ?? []).map(requireRecords),
            },
          ]
        : [name, schema],
    ),
  );
}

/** Reads what a plugin server's query command printed; throws a message that says what is wrong with it. */
export function parsePluginInfo(text: string, source: string): PluginInfo[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${source}: not JSON; give the array that --dump-all-plugins prints`, { cause });
  }
  if (!Array.isArray(parsed)) throw new Error(`${source}: expected the array that --dump-all-plugins prints`);
  for (const [index, plugin] of parsed.entries()) {
    const isComplete =
      isRecord(plugin) &&
      typeof plugin.Name === 'string' &&
      typeof plugin.Priority === 'number' &&
      Array.isArray(plugin.Phases) &&
      isRecord(plugin.Schema) &&
      Array.isArray(plugin.Schema.fields);
    if (!isComplete) {
      throw new Error(`${source}: entry ${index} needs Name, Version, Phases, Priority and Schema.fields`);
    }
  }
  return parsed as PluginInfo[];
}
