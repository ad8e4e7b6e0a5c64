export type QueryValue =
  | string
  | number
  | boolean
  | undefined
  | null
  | readonly string[]
  | { readonly [key: string]: string | readonly string[] };
export type Query = { readonly [name: string]: QueryValue };

const pairsOf = (name: string, value: QueryValue): [string, string][] => {
  if (value === undefined || value === null || value === '') return [];
  if (Array.isArray(value)) return value.map((item: string) => [name, item]);
  if (typeof value === 'object')
    return Object.entries(value).flatMap(([key, inner]) => pairsOf(`${name}[${key}]`, inner));
  return [[name, String(value)]];
};

/** A query string with its question mark; what is undefined or empty is left out, lists repeat, objects use brackets. */
export const queryText = (query: Query = {}): string => {
  const pairs = Object.entries(query).flatMap(([name, value]) => pairsOf(name, value));
  const text = new URLSearchParams(pairs).toString();
  return text === '' ? '' : `?${text}`;
};
