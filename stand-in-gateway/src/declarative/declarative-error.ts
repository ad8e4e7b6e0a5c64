import { isRecord } from '../schema/field-schema';

/** One mistake in a declarative configuration. */
export interface DeclarativeIssue {
  /** Where it is, as keys and 0-based indexes from the top of the document. */
  path: readonly (string | number)[];
  message: string;
  /** The entity it belongs to, as it was given, and its kind in the singular. */
  entity?: Record<string, unknown>;
  entityType?: string;
  /** Depth of `path` at which the entity stands. */
  entityDepth?: number;
}

/** A declarative configuration that cannot be loaded. `line` is 1-based and set where the text is known. */
export class DeclarativeError extends Error {
  readonly code = 'invalid_declarative_configuration';

  constructor(
    readonly issues: readonly DeclarativeIssue[],
    readonly line: number | undefined,
    /** Set when the text is no YAML at all: the parser's message, as Kong passes it on. */
    readonly syntaxMessage?: string,
  ) {
    super(syntaxMessage ?? describe(issues[0]!));
    this.name = 'DeclarativeError';
  }
}

function describe(issue: DeclarativeIssue): string {
  const where = issue.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('');
  return `${where.replace(/^\./, '') || 'document'}: ${issue.message}`;
}

/** The body of Kong's 400 answer to POST /config. */
export function declarativeErrorBody(error: DeclarativeError, flatten: boolean): Record<string, unknown> {
  const flattened = flatten ? error.issues.filter((issue) => issue.entity) : [];
  const nested = error.syntaxMessage
    ? { error: error.syntaxMessage }
    : nest(error.issues.filter((issue) => !flattened.includes(issue)));
  return {
    code: 14,
    name: 'invalid declarative configuration',
    message: `declarative config is invalid: ${luaTable(nested)}`,
    fields: nested,
    ...(flatten && !error.syntaxMessage ? { flattened_errors: flattenIssues(flattened) } : {}),
  };
}

function flattenIssues(issues: readonly DeclarativeIssue[]): unknown[] {
  const byEntity = new Map<Record<string, unknown>, DeclarativeIssue[]>();
  for (const issue of issues) byEntity.set(issue.entity!, [...(byEntity.get(issue.entity!) ?? []), issue]);
  return [...byEntity].map(([entity, own]) => ({
    ...(typeof entity.id === 'string' ? { entity_id: entity.id } : {}),
    ...(typeof entity.name === 'string' ? { entity_name: entity.name } : {}),
    ...(Array.isArray(entity.tags) ? { entity_tags: entity.tags } : {}),
    entity_type: own[0]!.entityType,
    entity,
    errors: own.map((issue) => ({
      field: issue.path.slice(issue.entityDepth).join('.'),
      message: issue.message,
      type: 'field',
    })),
  }));
}

function nest(issues: readonly DeclarativeIssue[]): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const issue of issues) {
    let at = root;
    const keys = issue.path.map((key) => (typeof key === 'number' ? String(key + 1) : key));
    const last = keys.pop() ?? 'error';
    for (const key of keys) {
      if (!isRecord(at[key])) at[key] = {};
      at = at[key] as Record<string, unknown>;
    }
    at[last] = issue.message;
  }
  return listsWhereCounted(root) as Record<string, unknown>;
}

/** Turns tables whose keys are 1..n into lists, as Kong's JSON encoder does with Lua tables. */
function listsWhereCounted(value: unknown): unknown {
  if (!isRecord(value)) return value;
  const keys = Object.keys(value);
  const values = keys.map((key) => listsWhereCounted(value[key]));
  const isList = keys.length > 0 && keys.every((key, index) => key === String(index + 1));
  return isList ? values : Object.fromEntries(keys.map((key, index) => [key, values[index]]));
}

function luaTable(value: unknown): string {
  if (Array.isArray(value)) return `{${value.map(luaTable).join(',')}}`;
  if (isRecord(value)) {
    const entries = Object.entries(value).map(([key, entry]) => `${luaKey(key)}=${luaTable(entry)}`);
    return `{${entries.join(',')}}`;
  }
  return JSON.stringify(value);
}

function luaKey(key: string): string {
  if (/^\d+$/.test(key)) return `[${key}]`;
  return /^[A-Za-z_]\w*$/.test(key) ? key : `[${JSON.stringify(key)}]`;
}
