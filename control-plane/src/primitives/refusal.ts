/** What kind of answer a refusal is; only http/problem-details knows the status that goes with it. */
export type RefusalKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'too_large'
  | 'rate_limited'
  | 'overloaded'
  | 'unavailable';

/** One field that was refused: a JSONPath into the body, a query parameter's or a header's name, and what to do about it. */
export interface FieldError {
  code: string;
  field: string;
  message: string;
}

export interface RefusalDetails {
  /** The fields that were refused, if the refusal is about fields. */
  fields?: FieldError[];
  /** Further members of the answer, e.g. conflictingEntityId. */
  extensions?: Record<string, unknown>;
  /** Seconds after which the same request may succeed. */
  retryAfterSeconds?: number;
  cause?: unknown;
}

/**
 * An expected refusal of a request, with a stable code and a sentence for the person who sent it. It is thrown by the
 * stages and answered by the interface that the request came through, in that interface's own shape.
 */
export class Refusal extends Error {
  readonly fields: FieldError[];
  readonly extensions: Record<string, unknown>;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly kind: RefusalKind,
    readonly code: string,
    message: string,
    details: RefusalDetails = {},
  ) {
    super(message, { cause: details.cause });
    this.name = 'Refusal';
    this.fields = details.fields ?? [];
    this.extensions = details.extensions ?? {};
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}

export const invalid = (code: string, message: string, fields: FieldError[] = []): Refusal =>
  new Refusal('invalid', code, message, { fields });

export const notFound = (what: string, key: string): Refusal =>
  new Refusal(
    'not_found',
    `${what.replaceAll(' ', '_')}_not_found`,
    `there is no ${what} "${key.slice(0, 128)}"`,
  );

export const conflict = (code: string, message: string, extensions: Record<string, unknown> = {}): Refusal =>
  new Refusal('conflict', code, message, { extensions });
