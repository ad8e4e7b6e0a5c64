import pg from 'pg';
import type { Database, QueryResult, Transaction } from '../database';
import { isConflict } from '../errors';
import { binaryArrays } from './binary-arrays';

const bigintOid = 20;
const maximumAttempts = 6;

/** `bigint` holds epoch milliseconds, sequence numbers and counts, all below 2^53; larger sums are `numeric`. */
const types = {
  getTypeParser: (oid: number, format?: string) =>
    oid === bigintOid && format !== 'binary'
      ? Number
      : pg.types.getTypeParser(oid, (format ?? 'text') as 'text'),
} as pg.CustomTypesConfig;

/** The names of prepared statements, one a text; texts are constants of the stores, so the map stays small. */
const statementNames = new Map<string, string>();
const statementName = (text: string): string => {
  let name = statementNames.get(text);
  if (name === undefined) {
    name = `tollgate_${statementNames.size}`;
    statementNames.set(text, name);
  }
  return name;
};

const run = async <R>(
  client: pg.ClientBase | pg.Pool,
  text: string,
  values: readonly unknown[],
): Promise<QueryResult<R>> => {
  const result =
    values.length === 0
      ? await client.query(text)
      : await client.query({ name: statementName(text), text, values: values as unknown[] });
  return { rows: result.rows as R[], rowCount: result.rowCount ?? 0 };
};

/** BEGIN and a first statement without parameters as one message, which spares both sides a turn. */
const runWithBegin = async <R>(client: pg.ClientBase, text: string): Promise<QueryResult<R>> => {
  const results = (await client.query(`BEGIN; ${text}`)) as unknown as pg.QueryResult[];
  const { rows, rowCount } = results.at(-1)!;
  return { rows: rows as R[], rowCount: rowCount ?? 0 };
};

export interface NodePostgresOptions {
  connectionString: string;
  /** Connections at most; further transactions wait in line. */
  maximumConnections?: number;
  /** Milliseconds to wait for a connection before failing as unavailable. */
  connectionTimeoutMs?: number;
  /** Called for a connection that broke while idle; the pool replaces it. */
  onIdleError?: (error: Error) => void;
}

/** A PostgreSQL server (13 or newer) over node-postgres. */
export const openNodePostgres = (options: NodePostgresOptions): Database => {
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    max: options.maximumConnections ?? 10,
    connectionTimeoutMillis: options.connectionTimeoutMs ?? 5_000,
    types,
    // A statement is sent before the one ahead of it is answered, wherever the caller does not wait in between.
    pipeline: true,
    application_name: 'tollgate',
  });
  pool.on('error', (error) => options.onIdleError?.(error));
  // Statements here read few rows. Where the planner expects many, compiling takes longer than the statement: 16 of 20 ms.
  pool.on('connect', (client) => {
    client.query('SET jit = off').catch((error: Error) => options.onIdleError?.(error));
  });

  const once = async <T>(work: (transaction: Transaction) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    const afterCommit: (() => void)[] = [];
    let broken: Error | undefined;
    // A socket that breaks between two statements is reported here; without a listener it would end the process.
    const onError = (error: Error) => {
      broken = error;
    };
    client.on('error', onError);
    let isBegun = false;
    try {
      const result = await work({
        query: (text, values = []) => {
          if (isBegun) return run(client, text, values);
          isBegun = true;
          if (values.length === 0) return runWithBegin(client, text);
          // It travels with the statement, which fails as well if this does.
          client.query('BEGIN').catch(onError);
          return run(client, text, values);
        },
        arrays: binaryArrays,
        afterCommit: (action) => afterCommit.push(action),
      });
      if (isBegun) await client.query('COMMIT');
      for (const action of afterCommit) action();
      return result;
    } catch (error) {
      if (isBegun) {
        await client.query('ROLLBACK').catch((failure: Error) => {
          broken = failure;
        });
      }
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  };

  return {
    kind: 'postgres',
    arrays: binaryArrays,
    query: (text, values = []) => run(pool, text, values),
    script: async (text) => {
      await pool.query(text);
    },
    transaction: async (work) => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await once(work);
        } catch (error) {
          if (!isConflict(error) || attempt >= maximumAttempts) throw error;
        }
      }
    },
    listen: (channel, heard) => listen(options, channel, heard),
    close: () => pool.end(),
  };
};

/** A connection of its own for LISTEN, made again with a pause when it breaks; wake-ups missed meanwhile are the sweep's. */
const listen = async (
  options: NodePostgresOptions,
  channel: string,
  heard: (payload: string) => void,
): Promise<() => Promise<void>> => {
  let isStopped = false;
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;

  const connect = async (): Promise<void> => {
    const fresh = new pg.Client({
      connectionString: options.connectionString,
      application_name: 'tollgate-listen',
    });
    fresh.on('error', (error) => {
      options.onIdleError?.(error);
      again();
    });
    fresh.on('notification', (message) => heard(message.payload ?? ''));
    client = fresh;
    await fresh.connect();
    await fresh.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
  };
  const again = (): void => {
    if (isStopped || timer) return;
    client?.end().catch((error: Error) => options.onIdleError?.(error));
    timer = setTimeout(() => {
      timer = undefined;
      connect().catch(again);
    }, 1_000);
    timer.unref();
  };

  await connect();
  return async () => {
    isStopped = true;
    clearTimeout(timer);
    await client?.end();
  };
};
