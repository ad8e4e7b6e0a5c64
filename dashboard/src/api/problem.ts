/** One field that the server refused, by its path in the body or its query parameter: `$.groupBy.route`, `from`. */
export interface FieldProblem {
  field: string;
  message: string;
}

/** A refusal or a failure of the API, in the words that the server (or the lack of one) gives for it. */
export class ApiProblem extends Error {
  constructor(
    /** The HTTP status; 0 where no answer came. */
    readonly status: number,
    /** The server's stable code, or `no_answer`, `not_json`. */
    readonly code: string,
    message: string,
    readonly fields: readonly FieldProblem[] = [],
  ) {
    super(message);
    this.name = 'ApiProblem';
  }
}

interface ProblemBody {
  detail?: unknown;
  title?: unknown;
  code?: unknown;
  extensions?: { validationErrors?: unknown };
}

const fieldsOf = (body: ProblemBody): FieldProblem[] => {
  const errors = body.extensions?.validationErrors;
  if (!Array.isArray(errors)) return [];
  return errors.flatMap((error: { field?: unknown; message?: unknown }) =>
    typeof error?.field === 'string' && typeof error.message === 'string'
      ? [{ field: error.field, message: error.message }]
      : [],
  );
};

/** Reads RFC 9457 problem details; a body that is none still becomes a sentence. */
export const problemOf = (status: number, text: string): ApiProblem => {
  let body: ProblemBody;
  try {
    body = JSON.parse(text) as ProblemBody;
  } catch {
    return new ApiProblem(status, 'not_json', `the server answered ${status} without saying why`);
  }
  const detail = [body?.detail, body?.title].find((part) => typeof part === 'string' && part !== '');
  const code = typeof body?.code === 'string' ? body.code : 'unknown';
  return new ApiProblem(
    status,
    code,
    String(detail ?? `the server answered ${status}`),
    fieldsOf(body ?? {}),
  );
};

/** Any failure as a sentence for people. */
export const sentenceOf = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error);
  const sentence = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
};
