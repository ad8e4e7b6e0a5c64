/**
 * The field schemas of Kong, as `/schemas/plugins/{name}` prints them: enough of them to fill in defaults and to
 * refuse what Kong refuses, in Kong's own words.
 */
export interface FieldSchema {
  type: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'set' | 'map' | 'record' | 'foreign';
  required?: boolean;
  default?: unknown;
  /** Schema of an array's or a set's elements. */
  elements?: FieldSchema;
  /** Schema of a map's values. */
  values?: FieldSchema;
  /** Fields of a record. */
  fields?: NamedField[];
  one_of?: readonly (string | number)[];
  between?: readonly [number, number];
  /** The only value allowed. */
  eq?: string | number | boolean;
  /** Entity that a foreign field points at. */
  reference?: string;
  /** A vault reference may stand here instead of a value. */
  referenceable?: boolean;
  [extra: string]: unknown;
}

/** One field under its name; Kong writes a record's fields as a list of single-key tables. */
export type NamedField = Record<string, FieldSchema>;

/** Field name to message, nested as the fields are. */
export interface SchemaErrors {
  [field: string]: string | SchemaErrors;
}

/** What checking a value gave: the value with defaults, or what is wrong with it. */
export type Checked<T> = { value: T; errors?: undefined } | { errors: SchemaErrors };

type CheckedField = { value: unknown } | { error: string | SchemaErrors };

/** Checks a record against its fields, fills in defaults, and sets what is absent to null, as Kong does. */
export function checkRecord(
  fields: readonly NamedField[],
  input: Record<string, unknown>,
): Checked<Record<string, unknown>> {
  const value: Record<string, unknown> = {};
  const errors: SchemaErrors = {};
  const known = new Set<string>();
  for (const named of fields) {
    for (const [name, schema] of Object.entries(named)) {
      known.add(name);
      const checked = checkField(schema, input[name]);
      if ('error' in checked) errors[name] = checked.error;
      else value[name] = checked.value;
    }
  }
  for (const name of Object.keys(input)) if (!known.has(name)) errors[name] = 'unknown field';
  return Object.keys(errors).length > 0 ? { errors } : { value };
}

function checkField(schema: FieldSchema, given: unknown): CheckedField {
  if (given === undefined || given === null) return absent(schema);
  switch (schema.type) {
    case 'record':
      return isRecord(given) ? checkNested(schema.fields ?? [], given) : { error: 'expected a record' };
    case 'array':
    case 'set':
      return checkList(schema, given);
    case 'map':
      return checkMap(schema, given);
    case 'foreign':
      return { value: given };
    default:
      return checkScalar(schema, given);
  }
}

function absent(schema: FieldSchema): CheckedField {
  if (schema.default !== undefined) return { value: structuredClone(schema.default) };
  if (!schema.required) return { value: null };
  if (schema.type === 'record') return checkNested(schema.fields ?? [], {});
  return { error: 'required field missing' };
}

function checkNested(fields: readonly NamedField[], given: Record<string, unknown>): CheckedField {
  const checked = checkRecord(fields, given);
  return checked.errors ? { error: checked.errors } : { value: checked.value };
}

function checkList(schema: FieldSchema, given: unknown): CheckedField {
  if (!Array.isArray(given)) return { error: schema.type === 'set' ? 'expected a set' : 'expected an array' };
  const elements = schema.elements;
  if (!elements) return { value: given };
  const errors: SchemaErrors = {};
  const value: unknown[] = [];
  for (const [index, element] of given.entries()) {
    const checked = checkField({ ...elements, required: true }, element);
    if ('error' in checked) errors[index + 1] = checked.error;
    else value.push(checked.value);
  }
  return Object.keys(errors).length > 0 ? { error: errors } : { value };
}

function checkMap(schema: FieldSchema, given: unknown): CheckedField {
  if (!isRecord(given)) return { error: 'expected a map' };
  const errors: SchemaErrors = {};
  const value: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(given)) {
    const checked = schema.values ? checkField(schema.values, entry) : { value: entry };
    if ('error' in checked) errors[key] = checked.error;
    else value[key] = checked.value;
  }
  return Object.keys(errors).length > 0 ? { error: errors } : { value };
}

function checkScalar(schema: FieldSchema, given: unknown): CheckedField {
  switch (schema.type) {
    case 'string':
      if (typeof given !== 'string') return { error: 'expected a string' };
      if (given === '' && schema.len_min !== 0) return { error: 'length must be at least 1' };
      break;
    case 'integer':
      if (!Number.isInteger(given)) return { error: 'expected an integer' };
      break;
    case 'number':
      if (typeof given !== 'number') return { error: 'expected a number' };
      break;
    case 'boolean':
      if (typeof given !== 'boolean') return { error: 'expected a boolean' };
      break;
  }
  if (schema.eq !== undefined && given !== schema.eq) return { error: `value must be ${schema.eq}` };
  if (schema.one_of && !schema.one_of.includes(given as string)) {
    return { error: `expected one of: ${schema.one_of.join(', ')}` };
  }
  if (schema.between && ((given as number) < schema.between[0] || (given as number) > schema.between[1])) {
    return { error: `value should be between ${schema.between[0]} and ${schema.between[1]}` };
  }
  return { value: given };
}

/** Kong's one-line account of schema errors, as its 400 answers carry it. */
export function describeViolations(errors: SchemaErrors): string {
  const found = leaves(errors, '').sort();
  const summary = found.join('; ');
  return found.length === 1
    ? `schema violation (${summary})`
    : `${found.length} schema violations (${summary})`;
}

function leaves(errors: SchemaErrors, prefix: string): string[] {
  return Object.entries(errors).flatMap(([field, problem]) =>
    typeof problem === 'string' ? [`${prefix}${field}: ${problem}`] : leaves(problem, `${prefix}${field}.`),
  );
}

/** True for a plain object, false for arrays and null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
