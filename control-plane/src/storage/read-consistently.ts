import type { Database, Queryable } from './database';

/** Runs several statements that all see the same state of the database, and write nothing. */
export const readConsistently = <T>(
  database: Database,
  work: (queryable: Queryable) => Promise<T>,
): Promise<T> =>
  database.transaction(async (transaction) => {
    await transaction.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    return work(transaction);
  });
