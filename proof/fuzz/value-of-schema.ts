import type { SeededRandom } from '../support/random';
import type { KnownNames } from './known-names';

export type Schema = Record<string, unknown> & {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, Schema>;
  items?: Schema;
};

export interface ValueSource {
  random: SeededRandom;
  names: KnownNames;
  /** `components.schemas` of the OpenAPI document. */
  components: Readonly<Record<string, Schema>>;
}

/** Schemas refer to themselves (filters in filters); below this level the smallest value is taken. */
const maximumDepth = 6;
/** A loopback port that nobody listens on: nothing of a run leaves the machine. */
const url = 'http://127.0.0.1:9/';
const words = [
  'api_requests',
  'fuzz',
  'api-requests',
  'acme-inc',
  'GET',
  '$.method',
  'kong.api_request',
  '10',
  '0.5',
];

/** A value that a schema (JSON Schema 2020-12, as the server describes itself) takes, or nearly so. */
export const valueOfSchema = (schema: Schema | undefined, source: ValueSource, depth = 0): unknown => {
  const { random, components } = source;
  if (!schema || typeof schema !== 'object') return words[random.below(words.length)];
  if (schema.$ref) return valueOfSchema(components[schema.$ref.split('/').at(-1)!], source, depth + 1);
  if ('const' in schema) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[random.below(schema.enum.length)];
  const choices = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
  if (choices?.length) {
    return valueOfSchema(
      depth > maximumDepth ? choices[0] : choices[random.below(choices.length)],
      source,
      depth + 1,
    );
  }
  if (Array.isArray(schema.allOf)) {
    return Object.assign(
      {},
      ...(schema.allOf as Schema[]).map((part) => valueOfSchema(part, source, depth + 1)),
    );
  }
  const type = Array.isArray(schema.type) ? schema.type[random.below(schema.type.length)] : schema.type;
  switch (type) {
    case 'object':
      return objectOf(schema, source, depth);
    case 'array': {
      const length = depth > maximumDepth ? 0 : Math.max(Number(schema.minItems ?? 0), random.below(4));
      return Array.from({ length }, () => valueOfSchema(schema.items, source, depth + 1));
    }
    case 'integer':
    case 'number':
      return numberOf(schema, random);
    case 'boolean':
      return random.next() < 0.5;
    case 'null':
      return null;
    default:
      return textOf(schema, source);
  }
};

const objectOf = (schema: Schema, source: ValueSource, depth: number): Record<string, unknown> => {
  const { random } = source;
  const required = new Set((schema.required as string[] | undefined) ?? []);
  const value: Record<string, unknown> = {};
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (!required.has(key) && (depth > maximumDepth || random.next() < 0.5)) continue;
    value[key] = valueOfSchema(property, source, depth + 1);
  }
  const additional = schema.additionalProperties;
  if (typeof additional === 'object' && additional !== null && depth <= maximumDepth) {
    value[words[random.below(words.length)]!] = valueOfSchema(additional as Schema, source, depth + 1);
  }
  return value;
};

const numberOf = (schema: Schema, random: SeededRandom): number => {
  const least = Number(schema.minimum ?? schema.exclusiveMinimum ?? 0);
  const most = Number(schema.maximum ?? least + 1_000);
  const number = least + random.next() * Math.min(most - least, 1_000);
  return schema.type === 'integer' ? Math.round(number) : number;
};

const textOf = (schema: Schema, { random, names }: ValueSource): string => {
  switch (schema.format) {
    case 'date-time':
      return new Date(Date.now() + (random.next() - 0.7) * 40 * 86_400_000).toISOString();
    case 'uri':
    case 'url':
      return url;
    case 'email':
      return 'someone@example.com';
    default: {
      const known = random.next() < 0.5 ? names.any(random) : undefined;
      return known ?? `${words[random.below(words.length)]}${random.next() < 0.3 ? random.below(50) : ''}`;
    }
  }
};
