import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import type { EntityStore } from '../entities/entity-store';
import { isRecord } from '../schema/field-schema';
import { DeclarativeError, type DeclarativeIssue } from './declarative-error';
import { type FlattenContext, flattenEntities } from './flatten-entities';

/** Formats that Kong OSS accepts (kong-pdk recordings and the declarative_config schema). */
const FORMAT_VERSIONS = ['1.1', '2.1', '3.0'];

/**
 * Reads a declarative configuration, YAML or JSON, into an entity store.
 * @throws DeclarativeError naming line, place and what is wrong
 */
export function parseDeclarative(text: string, context: FlattenContext): EntityStore {
  const lines = new LineCounter();
  const { input, document } = parseText(text, lines);
  try {
    return loadDeclarative(input, context);
  } catch (error) {
    if (error instanceof DeclarativeError && document && error.issues[0]) {
      throw new DeclarativeError(error.issues, lineOf(document, lines, error.issues[0]));
    }
    throw error;
  }
}

/** Loads a configuration that is parsed already, as POST /config takes it in JSON. */
export function loadDeclarative(input: unknown, context: FlattenContext): EntityStore {
  if (!isRecord(input)) {
    throw new DeclarativeError([{ path: [], message: 'expected an object' }], undefined);
  }
  const issue = formatIssue(input);
  if (issue) throw new DeclarativeError([issue], undefined);
  const { store, issues } = flattenEntities(input, context);
  if (issues.length > 0) throw new DeclarativeError(issues, undefined);
  return store;
}

function formatIssue(input: Record<string, unknown>): DeclarativeIssue | undefined {
  const version = input._format_version;
  const path = ['_format_version'];
  if (version === undefined || version === null) return { path, message: 'required field missing' };
  if (typeof version !== 'string') return { path, message: 'expected a string' };
  if (!FORMAT_VERSIONS.includes(version)) {
    return { path, message: `expected one of: ${FORMAT_VERSIONS.join(', ')}` };
  }
  return undefined;
}

/** JSON is YAML too, and much the faster of the two to read. */
function parseText(text: string, lineCounter: LineCounter): { input: unknown; document?: Document } {
  if (text.trimStart().startsWith('{')) {
    try {
      return { input: JSON.parse(text) };
    } catch {
      // Not JSON: a YAML flow map begins with the same brace.
    }
  }
  const document = parseDocument(text, { lineCounter, prettyErrors: true });
  const failure = document.errors[0];
  if (failure) {
    const start = failure.linePos?.[0] ?? { line: 1, col: 1 };
    const message = `failed parsing declarative configuration: ${start.line}:${start.col - 1}: ${reason(failure.message)}`;
    throw new DeclarativeError([], start.line, message);
  }
  return { input: document.toJS(), document };
}

/** libyaml, which Kong uses, says one thing about every flow collection that is cut short. */
function reason(message: string): string {
  if (message.startsWith('Flow ')) return 'did not find expected node content';
  return message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '');
}

function lineOf(document: Document, lines: LineCounter, issue: DeclarativeIssue): number {
  for (let depth = issue.path.length; depth > 0; depth -= 1) {
    const node = document.getIn(issue.path.slice(0, depth), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}
