import { type FieldError, invalid } from '../primitives/refusal';
import { checkPathCost, compilePath, pathLimit } from './json-path';
import type { Aggregation } from './meter';

export const aggregations = ['SUM', 'COUNT', 'AVG', 'MIN', 'MAX', 'UNIQUE_COUNT', 'LATEST'] as const;

/** Group-by keys of one meter at most: each combination of their values is a line of rollups. */
const groupByLimit = 32;
const slugPattern = /^[a-z0-9]+(?:_[a-z0-9]+)*$/;
const slugLimit = 64;
const groupKeyPattern = /^[a-zA-Z_][0-9a-zA-Z_]*$/;
const groupKeyLimit = 64;
/** What queries can group by on every meter, whatever its own keys are. */
const reservedGroupKeys: readonly string[] = ['subject', 'customer_id'];

/** What a meter is made from; times are epoch milliseconds. */
export interface MeterDraft {
  slug: string;
  /** The slug where none is given. */
  name: string | null;
  description: string | null;
  aggregation: Aggregation;
  eventType: string;
  /** Events before this time do not count; null counts all. */
  eventFrom: number | null;
  /** JSONPath into the event's data; null for COUNT alone. */
  valueProperty: string | null;
  /** Group-by key to JSONPath. */
  groupBy: Record<string, string>;
  metadata: Record<string, string>;
}

/** All of a meter that may change after its creation. It replaces what was there. */
export type MeterChange = Pick<MeterDraft, 'name' | 'description' | 'groupBy' | 'metadata'>;

/** Why a JSONPath cannot be used, or undefined when it can. */
const pathProblem = (path: string): string | undefined => {
  if (!path.startsWith('$')) return 'must be a JSONPath that starts with $, such as "$.tokens"';
  if (path.length > pathLimit) return `must have at most ${pathLimit} characters`;
  try {
    compilePath(path);
  } catch (error) {
    return `is not a JSONPath (RFC 9535): ${(error as Error).message}`;
  }
  try {
    checkPathCost(path);
    return undefined;
  } catch (error) {
    return `is too costly to read from every event: ${(error as Error).message}`;
  }
};

const valuePropertyErrors = ({ aggregation, valueProperty }: MeterDraft): FieldError[] => {
  const field = '$.valueProperty';
  if (aggregation === 'COUNT') {
    if (valueProperty === null) return [];
    return [{ code: 'not_allowed', field, message: 'is not allowed for COUNT; leave it out' }];
  }
  if (valueProperty === null)
    return [{ code: 'required', field, message: `is required for ${aggregation}; COUNT alone needs none` }];
  const problem = pathProblem(valueProperty);
  return problem ? [{ code: 'invalid_path', field, message: problem }] : [];
};

/** What is wrong with group-by definitions; the same rules hold at creation and change. */
export const groupByErrors = (
  groupBy: Readonly<Record<string, string>>,
  valueProperty: string | null,
): FieldError[] => {
  const entries = Object.entries(groupBy);
  if (entries.length > groupByLimit) {
    return [{ code: 'too_many', field: '$.groupBy', message: `must have at most ${groupByLimit} keys` }];
  }
  return entries.flatMap(([key, path]): FieldError[] => {
    const field = `$.groupBy.${key.slice(0, groupKeyLimit)}`;
    if (!groupKeyPattern.test(key) || key.length > groupKeyLimit)
      return [
        {
          code: 'invalid_key',
          field,
          message: `a key has letters, digits and underscores, begins with no digit, and has at most ${groupKeyLimit} characters`,
        },
      ];
    if (reservedGroupKeys.includes(key))
      return [{ code: 'reserved_key', field, message: 'is reserved: every meter can be grouped by it' }];
    if (path === valueProperty)
      return [{ code: 'same_as_value', field, message: 'must not be the same path as valueProperty' }];
    const problem = pathProblem(path);
    return problem ? [{ code: 'invalid_path', field, message: problem }] : [];
  });
};

/** Checks what no schema of an interface can know. @throws Refusal `meter_invalid` that names every field */
export const assertMeterDraft = (draft: MeterDraft): void => {
  const fields: FieldError[] = [];
  if (!slugPattern.test(draft.slug) || draft.slug.length > slugLimit)
    fields.push({
      code: 'pattern',
      field: '$.slug',
      message: `has lower-case letters, digits and single underscores between them, at most ${slugLimit} characters`,
    });
  fields.push(...valuePropertyErrors(draft), ...groupByErrors(draft.groupBy, draft.valueProperty));
  refuseFields(fields);
};

/** @throws Refusal `meter_invalid` when there are any */
export const refuseFields = (fields: FieldError[]): void => {
  if (fields.length === 0) return;
  const summary = fields.map(({ field, message }) => `${field} ${message}`).join('; ');
  throw invalid('meter_invalid', `the meter is not valid: ${summary}`, fields);
};
