/** What replicas share beside the database. It may be away at any moment: whoever uses it must be right without it. */
export interface SharedCounters {
  /**
   * Runs a script on one key, atomically for all replicas.
   * @throws SharedCountersUnavailableError within {@link answerLimitMs}, at once while there is no connection
   */
  evaluate(script: string, key: string, values: readonly string[]): Promise<unknown>;
  close(): Promise<void>;
}

/** How long an answer is waited for, milliseconds. No request waits for one: this bounds what goes on beside them. */
export const answerLimitMs = 500;

/** The store did not answer: it is away, hangs, or refuses to write. The caller goes on without it. */
export class SharedCountersUnavailableError extends Error {
  readonly code = 'shared_counters_unavailable';
  readonly isRetryable = true;
  constructor(cause?: unknown) {
    super('the shared counters cannot be reached', { cause });
    this.name = 'SharedCountersUnavailableError';
  }
}
