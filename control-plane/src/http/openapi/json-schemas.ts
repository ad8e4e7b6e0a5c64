import { z } from 'zod';

export type JsonSchema = Record<string, unknown>;

/** Whether a schema describes what is sent to the server, or what it answers. */
export type Direction = 'input' | 'output';

/**
 * Turns zod schemas into JSON Schema (draft 2020-12, the dialect of OpenAPI 3.1). Those with an id become components that
 * are referred to. A component whose input differs from its output (defaults, transformations) is there twice.
 */
export const createJsonSchemas = () => {
  const found: Record<Direction, Map<string, JsonSchema>> = { input: new Map(), output: new Map() };

  /** Must have seen every schema before `components` and the references in what it returned are right. */
  const convert = (schema: z.ZodType, direction: Direction): JsonSchema => {
    const { $schema, $defs, ...root } = z.toJSONSchema(schema, {
      io: direction,
      unrepresentable: 'any',
      override: ({ jsonSchema }) => withoutPattern(jsonSchema),
    }) as JsonSchema & { $defs?: Record<string, JsonSchema> };
    for (const [name, definition] of Object.entries($defs ?? {})) {
      keep(found[direction], name, rename(definition, direction));
    }
    return rename(root, direction);
  };

  const keep = (components: Map<string, JsonSchema>, name: string, definition: JsonSchema): void => {
    const known = components.get(name);
    if (known && JSON.stringify(known) !== JSON.stringify(definition)) {
      throw new Error(`two different schemas have the id ${name}; rename one`);
    }
    components.set(name, definition);
  };

  /** Components of both directions; input ones have the suffix only where an output one has the name. */
  const components = (): Record<string, JsonSchema> => {
    const all: [string, JsonSchema][] = [...found.output];
    for (const [name, definition] of found.input) {
      const twin = found.output.get(name);
      const isSame = twin && isTwin(twin, definition);
      if (!isSame) all.push([twin ? `${name}Input` : name, definition]);
    }
    return Object.fromEntries(
      all
        .map(([name, definition]): [string, JsonSchema] => [name, settle(definition) as JsonSchema])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  };

  /** Replaces the marks that `rename` left by the names that `components` gives. */
  const settle = (value: unknown): unknown =>
    transform(value, (reference) => {
      const [, direction, name] = /^mark:(\w+):(.+)$/.exec(reference) ?? [];
      if (!name) return reference;
      const twin = found.output.get(name);
      const own = found[direction as Direction].get(name);
      const isOther = direction === 'input' && twin && own && !isTwin(twin, own);
      return `#/components/schemas/${isOther ? `${name}Input` : name}`;
    });

  return { convert, components, settle };
};

/** Whether two components say the same, apart from the direction in which they were found. */
const isTwin = (output: JsonSchema, input: JsonSchema): boolean =>
  JSON.stringify(output).replaceAll('mark:output:', 'mark:input:') === JSON.stringify(input);

const rename = (value: JsonSchema, direction: Direction): JsonSchema =>
  transform(value, (reference) => reference.replace(/^#\/\$defs\//, `mark:${direction}:`)) as JsonSchema;

const transform = (value: unknown, replace: (reference: string) => string): unknown => {
  if (Array.isArray(value)) return value.map((item) => transform(item, replace));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key,
      key === '$ref' && typeof part === 'string' ? replace(part) : transform(part, replace),
    ]),
  );
};

/** The format says it already, in a word instead of three lines of expression. */
const withoutPattern = (schema: JsonSchema): void => {
  if (schema.format === 'date-time') delete schema.pattern;
};
