import type { EntitySchema } from '../schema/entity-schemas';
import { type Entity, foreignId } from './entity';

/** The rows of one kind of entity, found by id, by unique fields and by the entity they belong to. */
export class EntityTable<E extends Entity = Entity> {
  private readonly rows = new Map<string, E>();
  private readonly uniques: { fields: readonly string[]; ids: Map<string, string> }[];
  private readonly children = new Map<string, Map<string, Set<string>>>();
  private sorted: E[] | undefined;

  constructor(readonly schema: EntitySchema) {
    this.uniques = schema.unique.map((fields) => ({ fields, ids: new Map() }));
    for (const named of schema.fields) {
      for (const [name, field] of Object.entries(named)) {
        if (field.type === 'foreign') this.children.set(name, new Map());
      }
    }
  }

  get size(): number {
    return this.rows.size;
  }

  get(id: string): E | undefined {
    return this.rows.get(id);
  }

  /** Finds a row by its id or by its endpoint key (a consumer's username, a service's name). */
  find(idOrKey: string): E | undefined {
    const row = this.rows.get(idOrKey);
    if (row || !this.schema.endpointKey) return row;
    return this.findUnique({ [this.schema.endpointKey]: idOrKey });
  }

  /** Finds the row whose unique fields have exactly these values. */
  findUnique(values: Record<string, unknown>): E | undefined {
    const fields = Object.keys(values);
    const index = this.uniques.find(
      (unique) => unique.fields.length === fields.length && unique.fields.every((field) => field in values),
    );
    const key = index && uniqueKey(index.fields, values);
    const id = key === undefined ? undefined : index?.ids.get(key);
    return id === undefined ? undefined : this.rows.get(id);
  }

  /** All rows in the order of their ids, in which Kong pages through them. */
  list(): readonly E[] {
    this.sorted ??= [...this.rows.values()].sort(byId);
    return this.sorted;
  }

  /** The rows whose foreign field points at the given entity, the oldest first. */
  listBy(field: string, ownerId: string): E[] {
    const ids = this.children.get(field)?.get(ownerId);
    return ids ? [...ids].map((id) => this.rows.get(id)!) : [];
  }

  /** The fields in which a row would collide with another one, or undefined. */
  conflict(row: Record<string, unknown> & { id: string }): readonly string[] | undefined {
    for (const { fields, ids } of this.uniques) {
      const key = uniqueKey(fields, row);
      const holder = key === undefined ? undefined : ids.get(key);
      if (holder !== undefined && holder !== row.id) return fields;
    }
    return undefined;
  }

  /** Stores a row in place of any with the same id. The caller has looked for conflicts. */
  put(row: E): void {
    const previous = this.rows.get(row.id);
    if (previous) this.unindex(previous);
    this.rows.set(row.id, row);
    this.sorted = undefined;
    for (const { fields, ids } of this.uniques) {
      const key = uniqueKey(fields, row);
      if (key !== undefined) ids.set(key, row.id);
    }
    for (const [field, owners] of this.children) {
      const owner = foreignId(row[field]);
      if (owner === undefined) continue;
      const ids = owners.get(owner) ?? new Set();
      ids.add(row.id);
      owners.set(owner, ids);
    }
  }

  /** Removes a row; false when there was none. */
  remove(id: string): boolean {
    const row = this.rows.get(id);
    if (!row) return false;
    this.unindex(row);
    this.rows.delete(id);
    this.sorted = undefined;
    return true;
  }

  private unindex(row: E): void {
    for (const { fields, ids } of this.uniques) {
      const key = uniqueKey(fields, row);
      if (key !== undefined) ids.delete(key);
    }
    for (const [field, owners] of this.children) {
      const owner = foreignId(row[field]);
      const ids = owner === undefined ? undefined : owners.get(owner);
      ids?.delete(row.id);
      if (ids?.size === 0) owners.delete(owner!);
    }
  }
}

/** A single absent field is no value to be unique; in a set of fields it is one value among others. */
function uniqueKey(fields: readonly string[], row: Record<string, unknown>): string | undefined {
  if (fields.length === 1) {
    const value = row[fields[0]!];
    return typeof value === 'string' ? value : undefined;
  }
  return JSON.stringify(fields.map((field) => foreignId(row[field]) ?? row[field] ?? null));
}

function byId(a: Entity, b: Entity): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
