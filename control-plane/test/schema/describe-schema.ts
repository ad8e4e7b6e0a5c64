import type { Database } from '../../src/storage';

/** Tables that come and go by themselves: one a storage week. */
const isStorageWeek = (table: string): boolean => /^event_\d+$/.test(table);

/**
 * The schema as text, the same on every storage: a block a table with its columns, constraints and indexes, in the order
 * of their names.
 */
export const describeSchema = async (database: Database): Promise<string> => {
  const tables = await database.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY c.relname COLLATE "C"`,
  );
  const blocks: string[] = [];
  for (const { name } of tables.rows)
    if (!isStorageWeek(name)) blocks.push(await describeTable(database, name));
  return `${blocks.join('\n\n')}\n`;
};

const describeTable = async (database: Database, table: string): Promise<string> => {
  const columns = await database.query<{ line: string }>(
    `SELECT concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
         CASE WHEN k.collname = 'C' THEN 'collate C' END,
         CASE WHEN a.attnotnull THEN 'not null' END,
         CASE WHEN a.attidentity <> '' THEN 'identity' END,
         'default ' || pg_get_expr(d.adbin, d.adrelid)) AS line
     FROM pg_attribute a
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     LEFT JOIN pg_collation k ON k.oid = a.attcollation
     WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [table],
  );
  const constraints = await database.query<{ line: string }>(
    `SELECT conname || ' ' || pg_get_constraintdef(oid) AS line FROM pg_constraint
     WHERE conrelid = $1::regclass AND contype <> 'n' ORDER BY conname COLLATE "C"`,
    [table],
  );
  const indexes = await database.query<{ line: string }>(
    `SELECT pg_get_indexdef(i.indexrelid) AS line FROM pg_index i
     WHERE i.indrelid = $1::regclass
       AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u'))
     ORDER BY 1`,
    [table],
  );
  return [
    table,
    ...columns.rows.map(({ line }) => `  ${line}`),
    ...constraints.rows.map(({ line }) => `  constraint ${line}`),
    ...indexes.rows.map(({ line }) => `  ${line.replace('public.', '')}`),
  ].join('\n');
};
