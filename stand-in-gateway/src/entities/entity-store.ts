import { type Edition, entitySchemas } from '../schema/entity-schemas';
import type {
  Acl,
  Consumer,
  ConsumerGroup,
  ConsumerGroupMember,
  Entity,
  KeyAuthCredential,
  Plugin,
  Route,
  Service,
} from './entity';
import { EntityTable } from './entity-table';

interface EntityOf {
  services: Service;
  routes: Route;
  consumers: Consumer;
  plugins: Plugin;
  acls: Acl;
  keyauth_credentials: KeyAuthCredential;
  consumer_groups: ConsumerGroup;
  consumer_group_consumers: ConsumerGroupMember;
}

/** Name of a table that the stand-in gateway knows. */
export type TableName = keyof EntityOf;

/** The whole configuration of a gateway: one table for each kind of entity. */
export class EntityStore {
  private readonly tables: Map<string, EntityTable>;

  constructor(edition: Edition) {
    this.tables = new Map(entitySchemas(edition).map((schema) => [schema.name, new EntityTable(schema)]));
  }

  /** The table of that name. Throws for a table that the edition does not have: a mistake of ours. */
  table<N extends TableName>(name: N): EntityTable<EntityOf[N]> {
    const table = this.tables.get(name);
    if (!table) throw new Error(`no table ${name} in this edition`);
    return table as unknown as EntityTable<EntityOf[N]>;
  }

  /** The table of that name, or undefined. */
  findTable(name: string): EntityTable | undefined {
    return this.tables.get(name);
  }

  list(): EntityTable[] {
    return [...this.tables.values()];
  }

  /** Removes an entity and, as Kong's foreign keys cascade, everything that belongs to it. */
  removeCascading(table: EntityTable, id: string): boolean {
    if (!table.remove(id)) return false;
    for (const child of this.list()) {
      for (const field of foreignFields(child, table.schema.name)) {
        for (const row of child.listBy(field, id)) this.removeCascading(child, row.id);
      }
    }
    return true;
  }
}

function foreignFields(table: EntityTable<Entity>, reference: string): string[] {
  return table.schema.fields.flatMap((named) =>
    Object.entries(named)
      .filter(([, field]) => field.type === 'foreign' && field.reference === reference)
      .map(([name]) => name),
  );
}
