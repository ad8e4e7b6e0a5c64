import { isRecord, type NamedField } from '../schema/field-schema';

const reference = /^\{vault:\/\/env\/([A-Za-z0-9_-]+)(?:\/([A-Za-z0-9_-]+))?\}$/;

/**
 * Resolves `{vault://env/NAME}` in the referenceable fields of a plugin's configuration, as Kong's env vault does:
 * the name in upper case with `-` as `_`, `/key` picking a field of a JSON value, an unset variable giving "".
 * `refs` tells which fields held a reference; Kong passes it on as `$refs`.
 */
export function resolveReferences(
  fields: readonly NamedField[],
  config: Record<string, unknown>,
  environment: Readonly<Record<string, string | undefined>>,
): { config: Record<string, unknown>; refs: Record<string, string> } {
  const refs: Record<string, string> = {};
  const resolveRecord = (
    schema: readonly NamedField[],
    record: Record<string, unknown>,
    prefix: string,
  ): Record<string, unknown> => {
    const resolved = { ...record };
    for (const [name, field] of schema.flatMap((named) => Object.entries(named))) {
      const value = record[name];
      const place = prefix + name;
      if (typeof value === 'string' && field.referenceable) resolved[name] = lookUp(value, place);
      else if (field.type === 'record' && isRecord(value)) {
        resolved[name] = resolveRecord(field.fields ?? [], value, `${place}.`);
      } else if (field.type === 'map' && field.values?.referenceable && isRecord(value)) {
        resolved[name] = Object.fromEntries(
          Object.entries(value).map(([key, entry]) => [
            key,
            typeof entry === 'string' ? lookUp(entry, `${place}.${key}`) : entry,
          ]),
        );
      }
    }
    return resolved;
  };
  const lookUp = (value: string, place: string): string => {
    const match = reference.exec(value);
    if (!match) return value;
    refs[place] = value;
    return pick(environment[match[1]!.toUpperCase().replaceAll('-', '_')], match[2]);
  };
  return { config: resolveRecord(fields, config, ''), refs };
}

function pick(value: string | undefined, key: string | undefined): string {
  if (value === undefined || key === undefined) return value ?? '';
  try {
    const parsed: unknown = JSON.parse(value);
    const field = isRecord(parsed) ? parsed[key] : undefined;
    return typeof field === 'string' || typeof field === 'number' ? String(field) : '';
  } catch {
    return '';
  }
}
