import { mkdirSync } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import type { ArrayParameters, Database, QueryResult, Transaction } from '../database';

const bigintOid = 20;
const numericOid = 1700;

const plainArrays: ArrayParameters = {
  text: (values) => values,
  bigint: (values) => values,
  numeric: (values) => values,
};

type Runner = Pick<PGlite, 'query'>;

const run = async <R>(runner: Runner, text: string, values: readonly unknown[]): Promise<QueryResult<R>> => {
  const result = await runner.query<R>(text, values as unknown[]);
  return { rows: result.rows, rowCount: result.affectedRows || result.rows.length };
};

/**
 * Postgres in this process. One connection, so transactions follow one another; data stands in `directory`,
 * or in memory without one. COMMIT is written through to the file system before it returns.
 *
 * @param template an archive of a data folder to begin with, which spares making one
 */
export const openPglite = async (directory?: string, template?: Blob): Promise<Database> => {
  if (directory) mkdirSync(directory, { recursive: true });
  const database = await PGlite.create({
    ...(directory ? { dataDir: directory } : {}),
    ...(template ? { loadDataDir: template } : {}),
    parsers: { [bigintOid]: Number, [numericOid]: (text: string) => text },
  });

  return {
    kind: 'pglite',
    arrays: plainArrays,
    query: (text, values = []) => run(database, text, values),
    script: async (text) => {
      await database.exec(text);
    },
    transaction: async (work) => {
      const afterCommit: (() => void)[] = [];
      const result = await database.transaction((transaction) =>
        work({
          query: (text: string, values: readonly unknown[] = []) =>
            run(transaction as unknown as Runner, text, values),
          arrays: plainArrays,
          afterCommit: (action: () => void) => afterCommit.push(action),
        } as Transaction),
      );
      for (const action of afterCommit) action();
      return result;
    },
    listen: async (channel, heard) => database.listen(channel, heard),
    close: () => database.close(),
  };
};
