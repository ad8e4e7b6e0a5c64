import { parseRetryAfter } from './retry-delay';

/** What came back for a batch; `body` is cut off at a bound. */
export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

/** What follows from an answer, before anything is done about it. */
export type Verdict =
  | { readonly kind: 'delivered' }
  /** Events at `indexes` are bad by themselves; empty when the answer does not say which. */
  | { readonly kind: 'refused'; readonly indexes: readonly number[]; readonly reason: string }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'encoding_refused' }
  /** The token or the address is wrong: no retry helps until somebody changes it, so wait long and say it. */
  | { readonly kind: 'misconfigured'; readonly reason: string }
  | { readonly kind: 'unavailable'; readonly reason: string; readonly retryAfterMs: number | undefined };

/** Judges the ingest endpoint's answer to a batch of `count` events. `now` in ms since 1970. */
export function judge(answer: Answer, count: number, now: number): Verdict {
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === 400 || status === 422) {
    return { kind: 'refused', indexes: refusedIndexes(answer.body, count), reason: reasonOf(answer) };
  }
  if (status === 413) return { kind: 'too_large' };
  if (status === 415) return { kind: 'encoding_refused' };
  if (status === 408 || status === 429 || status >= 500) {
    return {
      kind: 'unavailable',
      reason: `HTTP ${status}`,
      retryAfterMs: parseRetryAfter(answer.retryAfter, now),
    };
  }
  return { kind: 'misconfigured', reason: `HTTP ${status}` };
}

interface ValidationError {
  readonly field?: unknown;
  readonly message?: unknown;
}

function validationErrors(body: string): ValidationError[] {
  try {
    const problem = JSON.parse(body) as { extensions?: { validationErrors?: unknown } } | null;
    const errors = problem?.extensions?.validationErrors;
    return Array.isArray(errors) ? errors.filter((error) => typeof error === 'object' && error !== null) : [];
  } catch {
    return [];
  }
}

/** The indexes in `extensions.validationErrors[].field`, a JSONPath such as `$[17].subject`. */
function refusedIndexes(body: string, count: number): number[] {
  const indexes = new Set<number>();
  for (const { field } of validationErrors(body)) {
    const match = typeof field === 'string' ? /^\$\[(\d+)\]/.exec(field) : null;
    const index = match ? Number(match[1]) : -1;
    if (index >= 0 && index < count) indexes.add(index);
  }
  return [...indexes].sort((a, b) => a - b);
}

/** The answer in one short line. Messages may quote what was sent, and that holds no credential. */
function reasonOf({ status, body }: Answer): string {
  const first = validationErrors(body).find(({ message }) => typeof message === 'string');
  return first ? `HTTP ${status}: ${String(first.message).slice(0, 200)}` : `HTTP ${status}`;
}
