import { compile } from 'json-p3';

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
