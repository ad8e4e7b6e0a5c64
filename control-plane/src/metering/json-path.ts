import { compile, type JSONPathQuery } from 'json-p3';

/** Reads the value a path points to; undefined when there is none. */
export type PathReader = (data: unknown) => unknown;

/** `$.name`, `$['name']`, `$[0]`, chained: what meters nearly always use, read without a query engine. */
const singular = /^\$(?:\.[A-Za-z_][\w-]*|\['[^'\\]*'\]|\["[^"\\]*"\]|\[\d+\])*$/;
const step = /\.([A-Za-z_][\w-]*)|\['([^'\\]*)'\]|\["([^"\\]*)"\]|\[(\d+)\]/g;

/** Longest path accepted, in characters. */
export const pathLimit = 256;

const own = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;

/**
 * Refuses paths whose cost is not bounded by the size of the event they read: it is paid for every event, and whoever sends
 * events chooses what they hold. Filters run expressions and regular expressions; several selectors in one segment, or two
 * descendant segments, visit the same value again and again.
 * @throws Error that says what to leave out
 */
export const checkPathCost = (path: string): void => {
  if (singular.test(path)) return;
  const segments = segmentsOf(compile(path));
  if (segments.some(({ selectors }) => selectors.includes('FilterSelector'))) {
    throw new Error('filters ([?...]) are not taken; meter a property that the sender computes');
  }
  if (segments.some(({ selectors }) => selectors.length > 1)) {
    throw new Error('several selectors in one pair of brackets are not taken');
  }
  if (segments.filter(({ kind }) => kind === 'DescendantSegment').length > 1) {
    throw new Error('".." may stand in a path once');
  }
};

const segmentsOf = ({ segments }: JSONPathQuery): { kind: string; selectors: string[] }[] =>
  segments.map((segment) => ({
    kind: segment.constructor.name,
    selectors: segment.selectors.map((selector) => selector.constructor.name),
  }));

/**
 * Compiles a JSONPath (RFC 9535) to a reader of its first match.
 * @throws Error that says what is wrong with the path
 */
export const compilePath = (path: string): PathReader => {
  if (path.length > pathLimit) throw new Error(`a JSONPath has at most ${pathLimit} characters`);
  if (singular.test(path)) {
    const keys = [...path.matchAll(step)].map((match) => match[1] ?? match[2] ?? match[3] ?? match[4] ?? '');
    if (keys.length === 1) {
      const key = keys[0]!;
      return (data) => own(data, key);
    }
    return (data) => {
      let value = data;
      for (const key of keys) value = own(value, key);
      return value;
    };
  }
  const query = compile(path);
  return (data) => query.match(data as never)?.value;
};
