/** Operating failures of the storage; `isRetryable` says whether the same call may succeed later. */
export class StorageError extends Error {
  constructor(
    message: string,
    readonly code: 'storage_unavailable' | 'storage_conflict' | 'migration_failed' | 'schema_ahead',
    readonly isRetryable: boolean,
    cause?: unknown,
  ) {
    super(message, { cause });
    this.name = 'StorageError';
  }
}

/** The SQLSTATE (PostgreSQL, appendix A) of a driver's error, or the system's error code. */
export const sqlStateOf = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
};

/** 40001 serialization_failure, 40P01 deadlock_detected and what was given up because of others: run it again. */
export const isConflict = (error: unknown): boolean =>
  ['40001', '40P01', 'storage_conflict'].includes(sqlStateOf(error) ?? '');

/** 23505: a unique constraint was violated. */
export const isUniqueViolation = (error: unknown): boolean => sqlStateOf(error) === '23505';

const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
]);

/** Class 08 (connection), 57P01..03 (shutdown, crash, starting), 53 (resources), 25006 (read only), or a socket error. */
export const isUnavailable = (error: unknown): boolean => {
  if (error instanceof StorageError) return error.code === 'storage_unavailable';
  const code = sqlStateOf(error) ?? '';
  if (unreachable.has(code) || /^(08|57P|53)/.test(code) || code === '25006') return true;
  // node-postgres reports a dropped connection and a full pool without any code.
  return (
    code === '' &&
    error instanceof Error &&
    /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/.test(
      error.message,
    )
  );
};
