/**
 * What went wrong between Tollgate and a gateway:
 * `unreachable` no answer, or half of one; `slow` none in time; `failing` 5xx; `unauthorized` 401 or 403;
 * `rate_limited` 429; `misconfigured` the address answers, but not as this driver's kind of Kong does: all of these
 * concern the whole gateway. `consumer_missing`, `group_missing` and `refused` concern one change.
 */
export type GatewayErrorCode =
  | 'unreachable'
  | 'slow'
  | 'failing'
  | 'unauthorized'
  | 'rate_limited'
  | 'misconfigured'
  | 'consumer_missing'
  | 'group_missing'
  | 'refused';

const ownCodes: ReadonlySet<GatewayErrorCode> = new Set(['consumer_missing', 'group_missing', 'refused']);

/** A call to a gateway that failed; the message names the gateway's answer and what to do, never a secret. */
export class GatewayError extends Error {
  constructor(
    readonly code: GatewayErrorCode,
    message: string,
    /** When the gateway itself said how long to wait. */
    readonly retryAfterMs?: number,
    cause?: unknown,
  ) {
    super(message, { cause });
    this.name = 'GatewayError';
  }

  /** Whether other consumers would fail just the same. */
  get concernsGateway(): boolean {
    return !ownCodes.has(this.code);
  }
}
