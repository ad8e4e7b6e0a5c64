import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';

/** Where references are looked up. */
export interface ReferenceSources {
  environment: Readonly<Record<string, string | undefined>>;
  /** Folder that relative paths of ${file:...} begin in: the declaration's own. */
  directory: string;
}

/** A secret is short; a larger file is a mistake. */
const maximumFileBytes = 64 * 1024;

const pattern = /\$\$\{|\$\{([^}]*)\}/g;

export class UnresolvedReferenceError extends Error {}

/**
 * Replaces `${env:NAME}`, `${env:NAME:-default}` and `${file:PATH}` in a value; `$${` stands for a literal `${`. A file's
 * last line end is cut off.
 * @throws UnresolvedReferenceError that names the reference, never what it resolves to
 */
export const resolveReferences = (
  text: string,
  sources: ReferenceSources,
): { text: string; isReference: boolean } => {
  let isReference = false;
  const resolved = text.replace(pattern, (whole, inner: string | undefined) => {
    if (inner === undefined) return '${';
    isReference = true;
    const [, kind, target] = /^(env|file):(.+)$/.exec(inner) ?? [];
    if (kind === 'env') return fromEnvironment(target!, sources);
    if (kind === 'file') return fromFile(target!, sources);
    throw new UnresolvedReferenceError(
      `${whole} is no reference; write \${env:NAME} or \${file:PATH}, or $\${ for a literal \${`,
    );
  });
  return { text: resolved, isReference };
};

/** Whether a value is `${env:NAME:-}` alone, with NAME not set: an optional value that nobody gave. */
export const isUnset = (value: unknown, { environment }: ReferenceSources): boolean => {
  const name = typeof value === 'string' ? /^\$\{env:([^}:]+):-\}$/.exec(value)?.[1] : undefined;
  return name !== undefined && !environment[name];
};

const fromEnvironment = (target: string, { environment }: ReferenceSources): string => {
  const [, name, fallback] = /^(.*?)(?::-(.*))?$/s.exec(target)! as unknown as [string, string, string?];
  const value = environment[name] || fallback;
  if (value === undefined) {
    throw new UnresolvedReferenceError(
      `\${env:${name}}: the environment variable ${name} is not set; set it`,
    );
  }
  return value;
};

const fromFile = (path: string, { directory }: ReferenceSources): string => {
  const file = isAbsolute(path) ? path : resolve(directory, path);
  try {
    if (statSync(file).size > maximumFileBytes) {
      throw new UnresolvedReferenceError(
        `\${file:${path}}: the file has more than ${maximumFileBytes} bytes`,
      );
    }
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    if (error instanceof UnresolvedReferenceError) throw error;
    throw new UnresolvedReferenceError(
      `\${file:${path}}: cannot be read (${(error as NodeJS.ErrnoException).code})`,
    );
  }
};
