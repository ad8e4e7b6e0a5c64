import { createHash } from 'node:crypto';
import type { EntitySchema } from '../schema/entity-schemas';

/** Root of Kong's declarative id namespaces (kong/db/schema/others/declarative_config.lua). */
const NAMESPACE = Buffer.from('fd02801f09574a15a55ac8d9606f30b5', 'hex');

const namespaces = new Map<string, Buffer>();

/**
 * The UUIDv5 that Kong gives an entity of a declarative file that has no id: of the endpoint key alone where that
 * is unique, else of `table:*:field:field:...`, the `*` standing for the workspace. Undefined when the id is random.
 */
export function deterministicId(schema: EntitySchema, entity: Record<string, unknown>): string | undefined {
  const key = idKey(schema, entity);
  return key === undefined ? undefined : formatUuid(uuidV5(namespaceOf(schema.name), key));
}

function idKey(schema: EntitySchema, entity: Record<string, unknown>): string | undefined {
  if (!schema.cacheKey) {
    const key = schema.endpointKey === undefined ? undefined : entity[schema.endpointKey];
    return typeof key === 'string' ? key : undefined;
  }
  if (schema.cacheKey.length === 0) return undefined;
  const parts = schema.cacheKey.map((field) => keyPart(entity[field]));
  // The group scope of Enterprise plugins joins the key only where it is set, so that ids agree between editions.
  if (schema.name === 'plugins' && parts.length === 5 && parts[4] === '') parts.pop();
  return [schema.name, '*', ...parts].join(':');
}

function keyPart(value: unknown): string {
  if (typeof value === 'string') return value;
  return value && typeof value === 'object' ? String((value as { id: string }).id) : '';
}

function namespaceOf(table: string): Buffer {
  let namespace = namespaces.get(table);
  if (!namespace) {
    namespace = uuidV5(NAMESPACE, table);
    namespaces.set(table, namespace);
  }
  return namespace;
}

function uuidV5(namespace: Buffer, name: string): Buffer {
  const bytes = createHash('sha1').update(namespace).update(name).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x50;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes;
}

function formatUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
