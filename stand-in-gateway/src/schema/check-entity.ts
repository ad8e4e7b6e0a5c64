import type { EntitySchema } from './entity-schemas';
import { type Checked, checkRecord } from './field-schema';
import type { PluginCatalog } from './plugin-catalog';

/** Checks an entity as it was given, with its shorthands, and fills in its defaults. */
export function checkEntity(
  schema: EntitySchema,
  given: Record<string, unknown>,
  catalog: PluginCatalog,
): Checked<Record<string, unknown>> {
  const input = schema.name === 'services' ? expandUrl(given) : given;
  if ('errors' in input && input.errors) return input as { errors: { url: string } };
  const checked = checkRecord(schema.fields, input as Record<string, unknown>);
  if (checked.errors) return checked;
  if (schema.name === 'plugins') return checkPlugin(checked.value, catalog);
  if (schema.name === 'consumers' && checked.value.username === null && checked.value.custom_id === null) {
    const message = "at least one of these fields must be non-empty: 'custom_id', 'username'";
    return { errors: { '@entity': message } };
  }
  return checked;
}

function checkPlugin(
  plugin: Record<string, unknown>,
  catalog: PluginCatalog,
): Checked<Record<string, unknown>> {
  const config = catalog.checkConfig(plugin.name as string, plugin.config);
  if (!config) {
    return {
      errors: { name: `plugin '${plugin.name}' not enabled; add it to the 'plugins' configuration property` },
    };
  }
  return config.errors
    ? { errors: { config: config.errors } }
    : { value: { ...plugin, config: config.value } };
}

/** `url` stands for protocol, host, port and path of a service. */
function expandUrl(given: Record<string, unknown>): Record<string, unknown> | { errors: { url: string } } {
  const { url, ...rest } = given;
  if (url === undefined || url === null) return rest;
  if (typeof url !== 'string' || !URL.canParse(url)) return { errors: { url: 'missing host in url' } };
  const parsed = new URL(url);
  const protocol = parsed.protocol.slice(0, -1);
  return {
    ...rest,
    protocol,
    host: parsed.hostname,
    port: parsed.port === '' ? (protocol === 'https' ? 443 : 80) : Number(parsed.port),
    path: parsed.pathname === '/' && !url.endsWith('/') ? null : parsed.pathname,
  };
}
