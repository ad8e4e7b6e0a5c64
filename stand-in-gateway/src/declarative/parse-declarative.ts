import { CORE_SCHEMA, load } from 'js-yaml';
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
  const input = parseQuickly(text) ?? parseWithReasons(text).toJS();
  try {
    return loadDeclarative(input, context);
  } catch (error) {
    if (!(error instanceof DeclarativeError) || !error.issues[0]) throw error;
    throw new DeclarativeError(error.issues, lineOf(text, error.issues[0]));
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

/**
 * Configurations of tens of thousands of rows are posted often, so they are read by the fastest reader that can;
 * undefined when it cannot, and the reader that knows places and reasons has to look.
 */
function parseQuickly(text: string): unknown {
  try {
    return text.trimStart().startsWith('{') ? JSON.parse(text) : load(text, { schema: CORE_SCHEMA });
  } catch {
    return undefined;
  }
}

function parseWithReasons(text: string, lineCounter = new LineCounter()): Document {
  const document = parseDocument(text, { lineCounter, prettyErrors: true });
  const failure = document.errors[0];
  if (!failure) return document;
  const start = failure.linePos?.[0] ?? { line: 1, col: 1 };
  const place = `${start.line}:${start.col - 1}`;
  const message = `failed parsing declarative configuration: ${place}: ${reason(failure.message)}`;
  throw new DeclarativeError([], start.line, message);
}

/** libyaml, which Kong uses, says one thing about every flow collection that is cut short. */
function reason(message: string): string {
  if (message.startsWith('Flow ')) return 'did not find expected node content';
  return message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '');
}

function lineOf(text: string, issue: DeclarativeIssue): number {
  const lines = new LineCounter();
  const document = parseWithReasons(text, lines);
  for (let depth = issue.path.length; depth > 0; depth -= 1) {
    const node = document.getIn(issue.path.slice(0, depth), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}
