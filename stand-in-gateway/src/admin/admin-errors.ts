import { foreignId } from '../entities/entity';
import { describeViolations, type SchemaErrors } from '../schema/field-schema';
import type { AdminAnswer } from './admin-answer';

/** Kong's 400 to an entity that breaks its schema (error code 2). */
export function schemaViolation(errors: SchemaErrors): AdminAnswer {
  return {
    status: 400,
    body: { code: 2, name: 'schema violation', message: describeViolations(errors), fields: errors },
  };
}

/** Kong's 409 to an entity that another one is in the way of (error code 5). */
export function uniqueViolation(fields: readonly string[], row: Record<string, unknown>): AdminAnswer {
  const values = fields.map((field): [string, unknown] => {
    const owner = foreignId(row[field]);
    return [field, owner === undefined ? row[field] : { id: owner }];
  });
  const listed = values.map(([field, value]) => `${field}=${luaValue(value)}`).join(',');
  return {
    status: 409,
    body: {
      code: 5,
      name: 'unique constraint violation',
      message: `UNIQUE violation detected on '{${listed}}'`,
      fields: Object.fromEntries(values),
    },
  };
}

function luaValue(value: unknown): string {
  const owner = foreignId(value);
  return owner === undefined ? JSON.stringify(value) : `{id="${owner}"}`;
}

/** Kong's 400 to a reference to an entity that does not exist (error code 4). */
export function foreignKeyViolation(field: string, id: string): AdminAnswer {
  return {
    status: 400,
    body: {
      code: 4,
      name: 'foreign key violation',
      message: `the foreign key '{id="${id}"}' does not reference an existing '${field}s' entity.`,
      fields: { [field]: { id } },
    },
  };
}

/** What a gateway without a database says to writes (error code 12). */
export function operationUnsupported(method: string, table: string): AdminAnswer {
  const verbs: Record<string, string> = {
    POST: 'create',
    PUT: 'create or update',
    PATCH: 'update',
    DELETE: 'remove',
  };
  return {
    status: 405,
    body: {
      code: 12,
      name: 'operation unsupported',
      message: `cannot ${verbs[method]} '${table}' entities when not using a database`,
    },
  };
}
