/** What is remembered of a gateway's failures. Times are epoch milliseconds. */
export interface Circuit {
  /** Failures since the last success. */
  failures: number;
  /** No call is made before. */
  openUntil: number;
}

export const closedCircuit: Circuit = { failures: 0, openUntil: 0 };

const firstPauseMs = 250;
const longestPauseMs = 30_000;

/**
 * After a failure of the gateway as a whole: a pause that doubles with each, up to half a minute, or as long as the
 * gateway asked for. While it lasts no call is made; then one is, and only its success lets the others go on.
 * @param random in [0, 1): takes up to a fifth off, so that gateways that failed together are not tried together
 */
export const afterFailure = (
  circuit: Circuit,
  now: number,
  random: number,
  retryAfterMs: number | undefined,
): Circuit => {
  // Calls that were under way together fail together, and count once.
  if (now < circuit.openUntil) return circuit;
  const failures = circuit.failures + 1;
  const backOffMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures - 1, 20));
  const pauseMs = retryAfterMs ?? backOffMs * (1 - random / 5);
  return { failures, openUntil: now + Math.ceil(pauseMs) };
};

/** How many batches may be under way now. */
export const admitted = ({ failures, openUntil }: Circuit, now: number, concurrency: number): number => {
  if (now < openUntil) return 0;
  return failures > 0 ? 1 : concurrency;
};
