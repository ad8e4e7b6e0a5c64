import type { Configuration } from '../configuration';
import { type Entity, foreignId } from '../entities/entity';
import type { EntityStore } from '../entities/entity-store';
import type { EntityTable } from '../entities/entity-table';
import { checkEntity } from '../schema/check-entity';
import type { PluginCatalog } from '../schema/plugin-catalog';
import type { AdminAnswer, AdminRequest } from './admin-answer';
import { methodNotAllowed, notFound, notFoundWithId } from './admin-answer';
import { foreignKeyViolation, operationUnsupported, schemaViolation, uniqueViolation } from './admin-errors';
import { page } from './paging';

/** What entity endpoints work on. */
export interface EntityContext {
  configuration: Configuration;
  catalog: PluginCatalog;
  mode: 'dbless' | 'postgres';
  /** Epoch seconds. */
  nowSeconds: () => number;
  randomUuid: () => string;
}

/** Path names that differ from the table's. */
const tableOfPath: Readonly<Record<string, string>> = { 'key-auths': 'keyauth_credentials' };

/** Lists inside an entity: path name to table, and the field that points back. */
const nestedLists: Readonly<Record<string, Readonly<Record<string, { table: string; field: string }>>>> = {
  services: {
    routes: { table: 'routes', field: 'service' },
    plugins: { table: 'plugins', field: 'service' },
  },
  routes: { plugins: { table: 'plugins', field: 'route' } },
  consumers: {
    acls: { table: 'acls', field: 'consumer' },
    'key-auth': { table: 'keyauth_credentials', field: 'consumer' },
    plugins: { table: 'plugins', field: 'consumer' },
  },
  consumer_groups: { plugins: { table: 'plugins', field: 'consumer_group' } },
};

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** True for a UUID in its usual notation. */
export function isUuid(text: string): boolean {
  return uuid.test(text);
}

/** Lists, reads and writes entities. Undefined when the path is no entity's. */
export function entityEndpoint(context: EntityContext, request: AdminRequest): AdminAnswer | undefined {
  const [collection, id, nestedName, nestedId, ...rest] = request.segments;
  if (collection === undefined || rest.length > 0) return undefined;
  const table = tableFor(context.configuration.store, collection);
  if (!table) return undefined;
  if (id === undefined) return collectionEndpoint(context, request, table, undefined);
  if (nestedName === undefined) return itemEndpoint(context, request, table, id);
  const nested = nestedLists[table.schema.name]?.[nestedName];
  const child = nested && context.configuration.store.findTable(nested.table);
  if (!nested || !child) return undefined;
  const owner = table.find(id);
  if (nestedId === undefined) {
    return owner ? collectionEndpoint(context, request, child, { field: nested.field, owner }) : notFound;
  }
  return owner
    ? nestedItemEndpoint(context, request, child, { field: nested.field, owner }, nestedId)
    : request.method === 'GET'
      ? notFound
      : notFoundWithId(request);
}

function tableFor(store: EntityStore, collection: string): EntityTable | undefined {
  if (collection === 'keyauth_credentials' || collection === 'consumer_group_consumers') return undefined;
  return store.findTable(tableOfPath[collection] ?? collection);
}

interface Owner {
  field: string;
  owner: Entity;
}

function collectionEndpoint(
  context: EntityContext,
  request: AdminRequest,
  table: EntityTable,
  scope: Owner | undefined,
): AdminAnswer {
  if (request.method === 'POST') {
    const given = scope ? { ...request.fields, [scope.field]: { id: scope.owner.id } } : request.fields;
    return write(context, 'POST', table, given, undefined, 201);
  }
  if (request.method !== 'GET') return methodNotAllowed;
  const customId = table.schema.name === 'consumers' ? request.query.get('custom_id') : null;
  const rows =
    customId !== null
      ? [table.findUnique({ custom_id: customId })].filter((row) => row !== undefined)
      : scope
        ? table.listBy(scope.field, scope.owner.id)
        : table.list();
  const path = `/${request.segments.map(encodeURIComponent).join('/')}`;
  // Only whole tables are large enough to be paged by id; a list of one entity keeps the order of its making.
  const sorted = scope && request.query.has('size') ? [...rows].sort((a, b) => (a.id < b.id ? -1 : 1)) : rows;
  return page({ rows: sorted, query: request.query, path, table: table.schema.name, mode: context.mode });
}

function itemEndpoint(
  context: EntityContext,
  request: AdminRequest,
  table: EntityTable,
  id: string,
): AdminAnswer {
  const row = table.find(id);
  switch (request.method) {
    case 'GET':
      return row ? { status: 200, body: row } : notFound;
    case 'PUT': {
      const key = isUuid(id)
        ? { id }
        : table.schema.endpointKey
          ? { [table.schema.endpointKey]: id }
          : undefined;
      if (!key) return notFound;
      return write(context, 'PUT', table, { ...request.fields, ...key }, row, 200);
    }
    case 'PATCH':
      if (!row) return notFound;
      return write(context, 'PATCH', table, { ...row, ...request.fields, id: row.id }, row, 200);
    case 'DELETE':
      // Deleting what is not there is a success, as everywhere in Kong's generic endpoints.
      return row ? remove(context, table, row) : { status: 204 };
    default:
      return methodNotAllowed;
  }
}

/** A consumer's groups and keys are found by their id or by their own name, within that consumer. */
function nestedItemEndpoint(
  context: EntityContext,
  request: AdminRequest,
  table: EntityTable,
  scope: Owner,
  id: string,
): AdminAnswer {
  const key = table.schema.endpointKey;
  const row = table
    .listBy(scope.field, scope.owner.id)
    .find((candidate) => candidate.id === id || (key !== undefined && candidate[key] === id));
  const owner = { [scope.field]: { id: scope.owner.id } };
  switch (request.method) {
    case 'GET':
      return row ? { status: 200, body: row } : notFoundWithId(request);
    case 'PUT': {
      const own = isUuid(id) ? { id } : key ? { [key]: id } : {};
      return write(context, 'PUT', table, { ...request.fields, ...own, ...owner }, row, 200);
    }
    case 'PATCH':
      if (!row) return notFoundWithId(request);
      return write(context, 'PATCH', table, { ...row, ...request.fields, ...owner, id: row.id }, row, 200);
    case 'DELETE':
      return row ? remove(context, table, row) : notFoundWithId(request);
    default:
      return methodNotAllowed;
  }
}

function write(
  context: EntityContext,
  method: 'POST' | 'PUT' | 'PATCH',
  table: EntityTable,
  given: Record<string, unknown>,
  existing: Entity | undefined,
  status: number,
): AdminAnswer {
  if (isUnchanged(existing, given, method) && context.mode === 'postgres') return { status, body: existing };
  const checked = checkEntity(table.schema, withGeneratedKey(context, table, given), context.catalog);
  if (checked.errors) return schemaViolation(checked.errors);
  if (context.mode === 'dbless') return operationUnsupported(method, table.schema.name);
  const now = context.nowSeconds();
  const row = { ...checked.value } as Entity;
  row.id = (checked.value.id as string | null) ?? existing?.id ?? context.randomUuid();
  row.created_at = existing?.created_at ?? (checked.value.created_at as number | null) ?? now;
  if ('updated_at' in row) row.updated_at = now;
  const missing = missingReference(context, table, row);
  if (missing) return missing;
  const clash = table.conflict(row) ?? (method === 'POST' && table.get(row.id) ? ['id'] : undefined);
  if (clash) return uniqueViolation(clash, row);
  table.put(row);
  announce(context, table, row);
  return { status, body: row };
}

/** PUT of a group that the consumer is in already changes nothing, so the answer is the row as it stands. */
function isUnchanged(existing: Entity | undefined, given: Record<string, unknown>, method: string): boolean {
  if (method !== 'PUT' || !existing) return false;
  return Object.entries(given).every(([field, value]) => {
    const owner = foreignId(value);
    return owner === undefined ? existing[field] === value : foreignId(existing[field]) === owner;
  });
}

/** Kong makes up a key for a key-auth credential that is created without one. */
function withGeneratedKey(
  context: EntityContext,
  table: EntityTable,
  given: Record<string, unknown>,
): Record<string, unknown> {
  if (table.schema.name !== 'keyauth_credentials' || given.key !== undefined) return given;
  return { ...given, key: context.randomUuid().replaceAll('-', '') };
}

function missingReference(context: EntityContext, table: EntityTable, row: Entity): AdminAnswer | undefined {
  for (const [field, schema] of table.schema.fields.flatMap((named) => Object.entries(named))) {
    const given = row[field];
    if (schema.type !== 'foreign' || !schema.reference || given === null || given === undefined) continue;
    const referenced = context.configuration.store.findTable(schema.reference);
    const byName = (given as { name?: string }).name ?? (given as { username?: string }).username;
    const found = referenced?.find(foreignId(given) ?? byName ?? '');
    if (!found) return foreignKeyViolation(field, foreignId(given) ?? String(byName));
    row[field] = { id: found.id };
  }
  return undefined;
}

function remove(context: EntityContext, table: EntityTable, row: Entity): AdminAnswer {
  if (context.mode === 'dbless') return operationUnsupported('DELETE', table.schema.name);
  const { store } = context.configuration;
  const hadPlugins =
    table.schema.name === 'consumers' && store.table('plugins').listBy('consumer', row.id).length > 0;
  store.removeCascading(table, row.id);
  announce(context, table, row);
  if (hadPlugins) context.configuration.notify('routes');
  return { status: 204 };
}

/** Tells the proxies what an entity's change concerns. */
export function announce(
  { configuration }: Pick<EntityContext, 'configuration'>,
  table: EntityTable,
  row: Entity,
): void {
  switch (table.schema.name) {
    case 'consumers':
      configuration.notify({ consumerId: row.id });
      break;
    case 'acls':
    case 'keyauth_credentials':
    case 'consumer_group_consumers':
      configuration.notify({ consumerId: foreignId(row.consumer)! });
      break;
    case 'consumer_groups':
      configuration.notify('everything');
      break;
    default:
      configuration.notify('routes');
  }
}
