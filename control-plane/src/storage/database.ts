/** The port behind which Postgres stands, as a server (node-postgres) or embedded (PGlite). */

/** One row as the driver returns it: `bigint` columns as number, `numeric` as string, `jsonb` parsed. */
export type Row = Record<string, unknown>;

export interface QueryResult<R> {
  rows: R[];
  /** Rows affected by INSERT, UPDATE or DELETE; rows returned by SELECT. */
  rowCount: number;
}

/** What both a database and an open transaction can do. */
export interface Queryable {
  /**
   * Runs one parameterised statement. Statements are prepared once a connection by their text. Those of a transaction run in
   * the order of the calls, and are sent together where the caller does not wait for one before the next.
   */
  query<R = Row>(text: string, values?: readonly unknown[]): Promise<QueryResult<R>>;
  /** Encodes array parameters in the cheapest form the driver accepts. */
  readonly arrays: ArrayParameters;
}

/** An open transaction (READ COMMITTED). It ends with the function that was given it. */
export interface Transaction extends Queryable {
  /** Runs `action` after COMMIT has succeeded, never after a roll-back. For wake-ups only: it may be lost in a crash. */
  afterCommit(action: () => void): void;
}

export interface Database extends Queryable {
  readonly kind: 'postgres' | 'pglite';
  /**
   * Runs `work` in one transaction; deadlocks and serialisation failures are retried, so `work` must have no
   * effects but those on the database and `afterCommit`.
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /** Runs several statements without parameters, as a migration needs. */
  script(text: string): Promise<void>;
  /** Calls `heard` for every NOTIFY on `channel`, from any replica. Returns the way to stop. */
  listen(channel: string, heard: (payload: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** Array parameters for `unnest`: one method an element type, values in order. */
export interface ArrayParameters {
  text(values: readonly (string | null)[]): unknown;
  /** Integers up to 2^53, for `bigint[]`. */
  bigint(values: readonly (number | null)[]): unknown;
  /** Decimal text, for `numeric[]`. */
  numeric(values: readonly (string | null)[]): unknown;
}
