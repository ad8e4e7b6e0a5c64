import { type Configuration, configurationHash } from '../configuration';
import { DeclarativeError, declarativeErrorBody } from '../declarative/declarative-error';
import { dumpDeclarative } from '../declarative/dump-declarative';
import type { FlattenContext } from '../declarative/flatten-entities';
import { loadDeclarative, parseDeclarative } from '../declarative/parse-declarative';
import type { EntityStore } from '../entities/entity-store';
import { isRecord } from '../schema/field-schema';
import { type AdminAnswer, type AdminRequest, methodNotAllowed } from './admin-answer';

/** Whether a configuration is being taken over; each node takes one at a time. */
export interface ConfigLoading {
  isLoading: boolean;
}

interface ConfigContext {
  configuration: Configuration;
  mode: 'dbless' | 'postgres';
  loading: ConfigLoading;
  /** How long the workers take to load a configuration, in milliseconds. */
  loadMs: number;
  flatten: () => FlattenContext;
}

/** GET and POST /config: a gateway without a database is configured by whole documents. */
export async function configEndpoint(context: ConfigContext, request: AdminRequest): Promise<AdminAnswer> {
  if (context.mode === 'postgres') {
    const message = 'this endpoint is only available when Kong is configured to not use a database';
    return { status: 400, body: { message } };
  }
  if (request.method === 'GET')
    return { status: 200, body: { config: dumpDeclarative(context.configuration.store) } };
  if (request.method !== 'POST') return methodNotAllowed;
  return load(context, request);
}

async function load(context: ConfigContext, request: AdminRequest): Promise<AdminAnswer> {
  const document = givenDocument(request);
  if (!document) return { status: 400, body: { message: 'expected a declarative configuration' } };
  const isCheck = isTruthy(request.query.get('check_hash'));
  if (isCheck && configurationHash(document.text) === context.configuration.hash) return { status: 304 };
  let store: EntityStore;
  try {
    const flatten = context.flatten();
    store = document.parsed
      ? loadDeclarative(document.parsed, flatten)
      : parseDeclarative(document.text, flatten);
  } catch (error) {
    if (!(error instanceof DeclarativeError)) throw error;
    const isFlat = isTruthy(request.query.get('flatten_errors'));
    return { status: 400, body: declarativeErrorBody(error, isFlat) };
  }
  if (context.loading.isLoading) {
    const message = 'Currently loading previous configurations';
    return { status: 429, body: { message }, headers: { 'Retry-After': '1' } };
  }
  context.loading.isLoading = true;
  try {
    if (context.loadMs > 0) await new Promise((resolve) => setTimeout(resolve, context.loadMs));
    context.configuration.replace(store, document.text);
  } finally {
    context.loading.isLoading = false;
  }
  return { status: 201, body: entitiesById(store) };
}

/** JSON `{"config": "<yaml>"}`, a form with `config=`, a whole document in JSON, or YAML as it is. */
function givenDocument(
  request: AdminRequest,
): { text: string; parsed?: Record<string, unknown> } | undefined {
  const { config } = request.fields;
  if (typeof config === 'string') return { text: config };
  if (request.contentType === 'application/json') {
    return isRecord(request.fields) && '_format_version' in request.fields
      ? { text: request.text, parsed: request.fields }
      : undefined;
  }
  return request.text === '' ? undefined : { text: request.text };
}

function entitiesById(store: EntityStore): Record<string, Record<string, unknown>> {
  const tables = store.list().filter((table) => table.size > 0);
  return Object.fromEntries(
    tables.map((table) => [table.schema.name, Object.fromEntries(table.list().map((row) => [row.id, row]))]),
  );
}

function isTruthy(value: string | null): boolean {
  return value === '1' || value === 'true';
}
