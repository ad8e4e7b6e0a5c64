import { deterministicId } from '../entities/deterministic-ids';
import { type Entity, foreignId } from '../entities/entity';
import { EntityStore } from '../entities/entity-store';
import type { EntityTable } from '../entities/entity-table';
import { checkEntity } from '../schema/check-entity';
import type { Edition } from '../schema/entity-schemas';
import { isRecord, type SchemaErrors } from '../schema/field-schema';
import type { PluginCatalog } from '../schema/plugin-catalog';
import type { DeclarativeIssue } from './declarative-error';

/** What loading a configuration depends on besides its text. */
export interface FlattenContext {
  edition: Edition;
  catalog: PluginCatalog;
  /** Epoch seconds. */
  nowSeconds: number;
  randomUuid: () => string;
}

/** Which tables may stand inside an entity, and the field by which the inner one points at the outer one. */
const nestedTables: Record<string, Record<string, string>> = {
  services: { routes: 'service', plugins: 'service' },
  routes: { plugins: 'route' },
  consumers: { acls: 'consumer', keyauth_credentials: 'consumer', plugins: 'consumer' },
};

/** Kong refuses `_info`, which only decK writes. */
const metaKeys = new Set(['_format_version', '_transform', '_comment', '_ignore', '_plugin_configs']);

interface Loading {
  context: FlattenContext;
  store: EntityStore;
  issues: DeclarativeIssue[];
  /** References given by name or id, to be looked up when everything is in place. */
  pending: { table: EntityTable; row: Entity; raw: Record<string, unknown>; path: (string | number)[] }[];
}

/** Turns a declarative document, with entities inside entities, into tables. All mistakes are listed. */
export function flattenEntities(
  input: Record<string, unknown>,
  context: FlattenContext,
): { store: EntityStore; issues: DeclarativeIssue[] } {
  const loading: Loading = { context, store: new EntityStore(context.edition), issues: [], pending: [] };
  for (const key of Object.keys(input)) {
    if (!metaKeys.has(key) && !loading.store.findTable(key)) {
      loading.issues.push({ path: [key], message: 'unknown field' });
    }
  }
  for (const table of loading.store.list()) {
    const rows = input[table.schema.name];
    if (rows !== undefined && rows !== null) addRows(loading, table, rows, [table.schema.name], {});
  }
  resolvePending(loading);
  return { store: loading.store, issues: loading.issues };
}

function addRows(
  loading: Loading,
  table: EntityTable,
  rows: unknown,
  path: (string | number)[],
  parent: Record<string, { id: string }>,
): void {
  if (!Array.isArray(rows)) {
    loading.issues.push({ path, message: 'expected an array' });
    return;
  }
  for (const [index, raw] of rows.entries()) {
    if (isRecord(raw)) addRow(loading, table, raw, [...path, index], parent);
    else loading.issues.push({ path: [...path, index], message: 'expected a record' });
  }
}

function addRow(
  loading: Loading,
  table: EntityTable,
  raw: Record<string, unknown>,
  path: (string | number)[],
  parent: Record<string, { id: string }>,
): void {
  const nested = nestedTables[table.schema.name] ?? {};
  const own = Object.fromEntries(Object.entries(raw).filter(([key]) => !(key in nested)));
  const checked = checkEntity(table.schema, { ...own, ...parent }, loading.context.catalog);
  if (checked.errors) {
    reportErrors(loading, table, raw, path, checked.errors);
    return;
  }
  const { nowSeconds } = loading.context;
  const row = { ...checked.value, created_at: checked.value.created_at ?? nowSeconds } as Entity;
  if ('updated_at' in row) row.updated_at = nowSeconds;
  const references = hasNamedReferences(table, row, parent);
  if (references) {
    loading.pending.push({ table, row, raw, path });
  } else {
    row.id ??= idFor(loading, table, row);
    store(loading, table, row, raw, path);
  }
  for (const [childName, field] of Object.entries(nested)) {
    const child = raw[childName];
    if (child === undefined || child === null) continue;
    // A row that names its parents gets its id later; its children need one now.
    row.id ??= idFor(loading, table, row);
    addRows(loading, loading.store.findTable(childName)!, child, [...path, childName], {
      [field]: { id: row.id },
    });
  }
}

function idFor(loading: Loading, table: EntityTable, row: Entity): string {
  return deterministicId(table.schema, row) ?? loading.context.randomUuid();
}

function store(
  loading: Loading,
  table: EntityTable,
  row: Entity,
  raw: Record<string, unknown>,
  path: (string | number)[],
): void {
  // Rows of the same name have the same id, so every holder of the name is another row.
  const clash = table.conflict({ ...row, id: '' }) ?? (table.get(row.id) ? ['id'] : undefined);
  if (clash) {
    const values = clash
      .map((field) => `${field} set to '${foreignId(row[field]) ?? row[field]}'`)
      .join(', ');
    report(
      loading,
      table,
      raw,
      path,
      [],
      `uniqueness violation: '${table.schema.name}' entity with ${values} already declared`,
    );
    return;
  }
  table.put(row);
}

function foreignFieldsOf(table: EntityTable): [string, string][] {
  return table.schema.fields.flatMap((named) =>
    Object.entries(named)
      .filter(([, field]) => field.type === 'foreign' && field.reference)
      .map(([name, field]): [string, string] => [name, field.reference!]),
  );
}

/** True when a field points at an entity by other means than the nesting that was followed to get here. */
function hasNamedReferences(table: EntityTable, row: Entity, parent: Record<string, unknown>): boolean {
  return foreignFieldsOf(table).some(([name]) => row[name] !== null && !(name in parent));
}

function resolvePending(loading: Loading): void {
  for (const { table, row, raw, path } of loading.pending) {
    let isResolved = true;
    for (const [field, reference] of foreignFieldsOf(table)) {
      const given = row[field];
      if (given === null || given === undefined) continue;
      const key = typeof given === 'string' ? given : (foreignId(given) ?? JSON.stringify(given));
      const found = loading.store.findTable(reference)?.find(key);
      if (found) row[field] = { id: found.id };
      else {
        isResolved = false;
        report(
          loading,
          table,
          raw,
          path,
          [field],
          `invalid reference '${field}: ${key}' (no such entry in '${reference}')`,
        );
      }
    }
    if (!isResolved) continue;
    row.id ??= idFor(loading, table, row);
    store(loading, table, row, raw, path);
  }
}

function reportErrors(
  loading: Loading,
  table: EntityTable,
  raw: Record<string, unknown>,
  path: (string | number)[],
  errors: SchemaErrors,
  inner: string[] = [],
): void {
  for (const [field, problem] of Object.entries(errors)) {
    if (typeof problem === 'string') report(loading, table, raw, path, [...inner, field], problem);
    else reportErrors(loading, table, raw, path, problem, [...inner, field]);
  }
}

function report(
  loading: Loading,
  table: EntityTable,
  raw: Record<string, unknown>,
  path: (string | number)[],
  inner: string[],
  message: string,
): void {
  loading.issues.push({
    path: [...path, ...inner],
    message,
    entity: raw,
    entityType: table.schema.name.replace(/s$/, ''),
    entityDepth: path.length,
  });
}
