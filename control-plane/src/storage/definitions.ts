import type { Database, Queryable, Transaction } from './database';

/**
 * The definitions are everything that decides how an event is counted (which meters, filters and rules there are).
 * Writers of events hold the shared lock and read the version; whoever changes definitions holds the exclusive lock and
 * raises the version. So every event is either committed before a change, or counted under the definitions after it.
 */
const definitionsLock = 7_210_002;

/** Waits until all writers of events have ended, and keeps others from beginning until the transaction ends. */
export const excludeEventWriters = async (transaction: Transaction): Promise<void> => {
  await transaction.query(`SELECT pg_advisory_xact_lock(${definitionsLock})`);
};

/** Raises the version. Waits until all writers of events under the old definitions have ended; call it first. */
export const changeDefinitions = async (transaction: Transaction): Promise<void> => {
  await excludeEventWriters(transaction);
  await transaction.query('UPDATE catalog_version SET version = version + 1');
};

/** The statement part with which a writer of events takes the shared lock. */
export const sharedDefinitionsLock = `pg_advisory_xact_lock_shared(${definitionsLock})`;

/** Takes the shared lock: definitions stay as they are until the transaction ends. */
export const shareDefinitions = async (transaction: Transaction): Promise<void> => {
  await transaction.query(`SELECT ${sharedDefinitionsLock}`);
};

export const definitionsVersion = async (queryable: Queryable): Promise<number> => {
  const { rows } = await queryable.query<{ version: number }>('SELECT version FROM catalog_version');
  return rows[0]!.version;
};

/** Loads something that follows from the definitions, once a version. */
export const cachedByVersion = <T>(load: (queryable: Queryable) => Promise<T>) => {
  let cached: { version: number; value: Promise<T> } | undefined;
  return (queryable: Queryable, version: number): Promise<T> => {
    if (cached?.version !== version) {
      const value = load(queryable);
      const entry = { version, value };
      cached = entry;
      // A failed load must not be remembered.
      value.catch(() => {
        if (cached === entry) cached = undefined;
      });
    }
    return cached.value;
  };
};

/**
 * Ends when every event writer that began before the call has ended: rows committed before the call are seen by all
 * that follow. Calls at the same time share one wait, since each holds up ingest for as long as a batch takes.
 */
export const createIngestBarrier = (database: Database): (() => Promise<void>) => {
  let next: Promise<void> | undefined;
  let running: Promise<void> = Promise.resolve();
  const wait = async () => {
    await database.transaction(excludeEventWriters);
  };
  return () => {
    next ??= running
      .catch(() => undefined)
      .then(() => {
        running = wait();
        next = undefined;
        return running;
      });
    return next;
  };
};
