import { type ServerResponse, STATUS_CODES } from 'node:http';
import { IngestOverloadedError } from '../events';
import { Refusal, type RefusalKind } from '../primitives/refusal';
import { isConflict, isUnavailable } from '../storage';

/** RFC 9457 problem details, with OpenMeter's `extensions` member. */
export interface ProblemDetails {
  type: 'about:blank';
  title: string;
  status: number;
  detail: string;
  instance: string;
  /** Stable, for programs; the texts are for people. */
  code: string;
  extensions?: Record<string, unknown>;
}

const statuses: Record<RefusalKind, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  rate_limited: 429,
  overloaded: 503,
  unavailable: 503,
};

/** Any failure as a refusal: what is not expected becomes `internal`, whose cause is logged and never shown. */
export const refusalOf = (error: unknown): Refusal | undefined => {
  if (error instanceof Refusal) return error;
  if (error instanceof IngestOverloadedError) {
    return new Refusal(
      'overloaded',
      'ingest_overloaded',
      'too many events are waiting to be stored; send them again later',
      {
        retryAfterSeconds: error.retryAfterSeconds,
      },
    );
  }
  if (isUnavailable(error)) {
    return new Refusal(
      'unavailable',
      'storage_unavailable',
      'the database cannot be reached; nothing was stored, send the request again',
      {
        retryAfterSeconds: 1,
        cause: error,
      },
    );
  }
  if (isConflict(error)) {
    return new Refusal(
      'unavailable',
      'storage_conflict',
      'other requests changed the same things at the same moment; nothing was stored, send the request again',
      { retryAfterSeconds: 1, cause: error },
    );
  }
  return undefined;
};

export const statusOf = (refusal: Refusal): number => statuses[refusal.kind];

export const problemOf = (refusal: Refusal, requestId: string): ProblemDetails => {
  const status = statusOf(refusal);
  const extensions = {
    ...refusal.extensions,
    ...(refusal.fields.length > 0 ? { validationErrors: refusal.fields } : {}),
  };
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: refusal.message,
    instance: `urn:request:${requestId}`,
    code: refusal.code,
    ...(Object.keys(extensions).length > 0 ? { extensions } : {}),
  };
};

const internal = (): Refusal =>
  new Refusal('unavailable', 'internal', 'an unexpected error; it is in the log under this request');

/**
 * Answers with problem+json. The Content-Type has no charset parameter on purpose: OpenMeter's SDK reads the details
 * only for exactly this type.
 */
export const sendProblem = (
  response: ServerResponse,
  refusal: Refusal | undefined,
  requestId: string,
  /** Further members that the interface has. */
  more: Record<string, unknown> = {},
): void => {
  const problem = problemOf(refusal ?? internal(), requestId);
  if (!refusal) {
    problem.status = 500;
    problem.title = 'Internal Server Error';
  }
  const body = JSON.stringify({ ...problem, ...more });
  response.statusCode = problem.status;
  response.setHeader('Content-Type', 'application/problem+json');
  response.setHeader('Content-Length', Buffer.byteLength(body));
  if (refusal?.retryAfterSeconds !== undefined)
    response.setHeader('Retry-After', String(refusal.retryAfterSeconds));
  if (refusal?.kind === 'unauthenticated') response.setHeader('WWW-Authenticate', 'Bearer');
  response.end(body);
};
