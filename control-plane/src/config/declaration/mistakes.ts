/** One thing wrong in a declaration: where it stands, which key, and what to do about it. */
export interface Mistake {
  /** From 1. */
  line: number;
  column: number;
  /** The key's path, e.g. meters.api_requests.aggregation; empty for the file as a whole. */
  key: string;
  message: string;
}

/** Everything wrong in one file; a person has to mend it. */
export class DeclarationError extends Error {
  readonly code = 'declaration_invalid';

  constructor(
    readonly file: string,
    readonly mistakes: readonly Mistake[],
  ) {
    super(mistakes.map((mistake) => describe(file, mistake)).join('\n'));
    this.name = 'DeclarationError';
  }
}

const describe = (file: string, { line, column, key, message }: Mistake): string =>
  `${file}:${line}:${column}: ${key === '' ? '' : `${key}: `}${message}`;
