import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  type Document,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  visit,
} from 'yaml';
import type { z } from 'zod';
import { DeclarationError, type Mistake } from './mistakes';
import { isUnset, resolveReferences, UnresolvedReferenceError } from './references';
import { type Declaration, declarationSchema } from './schema';

export interface ReadDeclaration {
  declaration: Declaration;
  /** Paths (joined with U+0000) of values that came from a reference: they are never printed. */
  secretPaths: ReadonlySet<string>;
}

export interface ReadOptions {
  /** For messages, and the folder that ${file:...} begins in. */
  file: string;
  environment: Readonly<Record<string, string | undefined>>;
}

/** Mistakes listed at most: after that many the rest follows from the first ones. */
const maximumMistakes = 100;

type Path = readonly PropertyKey[];

/**
 * Reads a declaration from YAML.
 * @throws DeclarationError with every mistake, each with its line, key and remedy
 */
export const readDeclaration = (text: string, { file, environment }: ReadOptions): ReadDeclaration => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number, path: Path, message: string): Mistake => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1), key: keyOf(path), message };
  };
  const fail = (mistakes: readonly Mistake[]): never => {
    throw new DeclarationError(file, mistakes.slice(0, maximumMistakes));
  };

  if (document.errors.length > 0) {
    fail(document.errors.map((error) => at(error.pos[0], [], yamlMessage(error.code, error.message))));
  }
  const { mistakes, secretPaths } = resolveIn(document, { environment, directory: dirname(file) }, at);
  const value = toValue(document, at, fail);
  const result = declarationSchema.safeParse(value ?? {});
  if (!result.success) {
    for (const issue of result.error.issues) mistakes.push(...mistakesOf(issue, document, at));
  }
  if (mistakes.length > 0) fail(mistakes.sort((a, b) => a.line - b.line || a.column - b.column));
  return { declaration: result.data!, secretPaths };
};

/**
 * Reads the file at `path`.
 * @throws DeclarationError, also for a file that cannot be read
 */
export const readDeclarationFile = (
  path: string,
  environment: ReadOptions['environment'],
): ReadDeclaration => {
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    const message = `cannot be read (${(error as NodeJS.ErrnoException).code}); name an existing file`;
    throw new DeclarationError(path, [{ line: 1, column: 1, key: '', message }]);
  }
  return readDeclaration(text, { file: path === '-' ? 'standard input' : path, environment });
};

type Locate = (offset: number, path: Path, message: string) => Mistake;

const resolveIn = (
  document: Document,
  sources: { environment: ReadOptions['environment']; directory: string },
  at: Locate,
): { mistakes: Mistake[]; secretPaths: Set<string> } => {
  const mistakes: Mistake[] = [];
  const secretPaths = new Set<string>();
  visit(document, {
    // A value that is nothing but an optional reference to nothing is as if its key were not there.
    Pair: (_position, { value }) =>
      isScalar(value) && value.value !== '' && isUnset(value.value, sources) ? visit.REMOVE : undefined,
    Scalar: (position, node, ancestors) => {
      if (position === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return;
      const path = pathTo(ancestors as readonly (Node | Pair | Document)[], node);
      if (isKept(path)) return;
      try {
        const resolved = resolveReferences(node.value, sources);
        node.value = resolved.text;
        if (resolved.isReference) secretPaths.add(path.join('\0'));
      } catch (error) {
        if (!(error instanceof UnresolvedReferenceError)) throw error;
        mistakes.push(at(node.range?.[0] ?? 0, path, error.message));
      }
    },
  });
  return { mistakes, secretPaths };
};

/** A gateway's token is a reference that the server itself looks up, so that it is stored nowhere. */
const isKept = ([section, , key]: readonly string[]): boolean => section === 'gateways' && key === 'token';

const pathTo = (ancestors: readonly unknown[], node: Node): string[] => {
  const path: string[] = [];
  const chain = [...ancestors, node];
  for (const [index, ancestor] of chain.entries()) {
    const pair = ancestor as Partial<Pair>;
    const list = ancestor as { items?: unknown[] };
    if (isScalar(pair.key)) path.push(String(pair.key.value));
    else if (Array.isArray(list.items) && !isMap(ancestor)) {
      path.push(String(list.items.indexOf(chain[index + 1])));
    }
  }
  return path;
};

/** Aliases are resolved here; too many of them (a "billion laughs") are refused by the parser's own limit. */
const toValue = (document: Document, at: Locate, fail: (mistakes: Mistake[]) => never): unknown => {
  try {
    return document.toJS();
  } catch (error) {
    return fail([at(0, [], `cannot be read as YAML: ${(error as Error).message}`)]);
  }
};

const yamlMessage = (code: string, message: string): string => {
  if (code === 'DUPLICATE_KEY') return 'a key stands twice in one mapping; keep one of them';
  if (code === 'TAB_AS_INDENT') return 'a tab is used for indentation; use spaces';
  return `is not valid YAML: ${message.split('\n', 1)[0]}`;
};

const mistakesOf = (issue: z.core.$ZodIssue, document: Document, at: Locate): Mistake[] => {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return at(
        offsetOf(document, path),
        path,
        'is no key that may stand here; remove it or check its spelling',
      );
    });
  }
  if (issue.code === 'invalid_key') {
    return [at(offsetOf(document, issue.path), issue.path, 'is no valid name: 1 to 256 characters')];
  }
  return [at(offsetOf(document, issue.path), issue.path, messageOf(issue, document))];
};

const messageOf = (issue: z.core.$ZodIssue, document: Document): string => {
  const isMissing = !document.hasIn(issue.path as unknown[]);
  if (issue.code === 'invalid_union' && issue.errors.length === 0) {
    return 'must be one of the types that the documentation names; add or correct "type"';
  }
  if (issue.code === 'invalid_value') {
    const values = issue.values.map((value) => JSON.stringify(value)).join(', ');
    return `${isMissing ? 'is missing; set it to' : 'must be'} ${issue.values.length > 1 ? 'one of ' : ''}${values}`;
  }
  if (issue.code === 'invalid_type') {
    return isMissing ? `is missing; add it (${issue.expected})` : `must be of the type ${issue.expected}`;
  }
  return issue.message;
};

/** Where a path stands: its key if it has one, else the nearest thing around it that exists. */
const offsetOf = (document: Document, path: Path): number => {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(last));
      const key = pair?.key as Scalar | undefined;
      if (key?.range) return key.range[0];
    }
    const node = document.getIn(path.slice(0, length), true) as Node | undefined;
    if (node?.range) return node.range[0];
  }
  return 0;
};

const keyOf = (path: Path): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
