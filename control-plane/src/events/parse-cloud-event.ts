import type { JsonObject } from './exact-json';
import { writeExactJson } from './exact-json';
import type { UsageEvent } from './usage-event';

/** What is wrong with one field of an event; the position in a batch is added by whoever reads the batch. */
export interface InvalidField {
  field: string;
  code: string;
  message: string;
}

export type ParsedEvent = { event: UsageEvent } | { invalid: InvalidField[] };

/** Longest identifying attributes, in bytes of UTF-8: two of them fit into a row of an index. Longer ones are refused rather than cut. */
export const attributeLimit = 1_024;
/** Largest `data` of one event, in characters of JSON. */
export const dataLimit = 65_536;

const known = new Set([
  'id',
  'source',
  'type',
  'subject',
  'time',
  'specversion',
  'data',
  'datacontenttype',
  'data_base64',
]);

/** RFC 3339, section 5.6; offsets and fractions of a second as written. */
const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** Epoch milliseconds of an RFC 3339 time, or undefined; finer fractions are cut to the millisecond. */
export const parseTime = (text: string): number | undefined => {
  if (!rfc3339.test(text)) return undefined;
  const milliseconds = Date.parse(text.toUpperCase().replace(' ', 'T'));
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
};

const isPlainObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.getPrototypeOf(value) === Object.prototype;

/**
 * Validates one CloudEvent in its JSON format (CloudEvents 1.0 JSON Event Format, section 3) against the attributes that
 * usage needs: id, source, type and subject are required, specversion is 1.0, data is an object, null or absent.
 *
 * @param candidate the parsed JSON
 * @param isExact whether it holds numbers kept as text
 * @param now epoch milliseconds; the time of an event that has none
 */
export const parseCloudEvent = (candidate: unknown, isExact: boolean, now: number): ParsedEvent => {
  if (!isPlainObject(candidate)) {
    return {
      invalid: [{ field: '', code: 'type', message: 'must be a JSON object that holds one CloudEvent' }],
    };
  }
  const invalid: InvalidField[] = [];
  const refuse = (field: string, code: string, message: string) => {
    invalid.push({ field, code, message });
  };

  const text = (field: 'id' | 'source' | 'type' | 'subject'): string => {
    const value = candidate[field];
    if (typeof value !== 'string')
      refuse(field, value === undefined ? 'required' : 'type', 'is required and must be a string');
    else if (value.length === 0) refuse(field, 'minLength', 'must not be empty');
    else if (isLongerThan(value, attributeLimit))
      refuse(field, 'maxLength', `must be at most ${attributeLimit} bytes of UTF-8`);
    else if (value.includes('\u0000')) refuse(field, 'pattern', 'must not contain the character U+0000');
    else return value;
    return '';
  };
  const id = text('id');
  const source = text('source');
  const type = text('type');
  const subject = text('subject');

  if (candidate.specversion !== undefined && candidate.specversion !== '1.0') {
    refuse('specversion', 'enum', 'must be "1.0"');
  }
  const contentType = candidate.datacontenttype;
  if (contentType !== undefined && contentType !== null && !isJsonType(contentType)) {
    refuse('datacontenttype', 'enum', 'must be "application/json"');
  }

  let time = now;
  if (candidate.time !== undefined && candidate.time !== null) {
    const parsed = typeof candidate.time === 'string' ? parseTime(candidate.time) : undefined;
    if (parsed === undefined)
      refuse('time', 'format', 'must be an RFC 3339 time such as "2026-01-31T14:03:22.118Z"');
    else time = parsed;
  }

  let data: JsonObject | undefined;
  let dataText: string | null = null;
  if (candidate.data_base64 !== undefined) {
    refuse('data_base64', 'unsupported', 'is not supported: send the data as a JSON object in "data"');
  } else if (candidate.data !== undefined && candidate.data !== null) {
    if (isPlainObject(candidate.data)) {
      data = candidate.data;
      dataText = writeExactJson(data, isExact);
      if (dataText.length > dataLimit)
        refuse('data', 'maxLength', `must be at most ${dataLimit} characters of JSON`);
      // Postgres stores no U+0000 in text; JSON writes it as an escape, which is kept, so only the raw character matters.
    } else {
      refuse('data', 'type', 'must be a JSON object, null or absent');
    }
  }

  if (invalid.length > 0) return { invalid };
  return {
    event: { id, source, type, subject, time, data, dataText, attributesText: attributesOf(candidate) },
  };
};

/** Whether a text has more bytes of UTF-8 than the limit; at most three come of one UTF-16 unit. */
export const isLongerThan = (text: string, limitBytes: number): boolean =>
  text.length * 3 > limitBytes && Buffer.byteLength(text) > limitBytes;

const isJsonType = (value: unknown): boolean =>
  typeof value === 'string' && /^application\/(?:[a-z0-9.-]+\+)?json\s*(?:;.*)?$/i.test(value);

const attributesOf = (candidate: JsonObject): string | null => {
  let rest: JsonObject | undefined;
  for (const name of Object.keys(candidate)) {
    if (known.has(name)) continue;
    rest ??= Object.create(null) as JsonObject;
    rest[name] = candidate[name];
  }
  return rest ? JSON.stringify(rest) : null;
};
