import type { IncomingMessage } from 'node:http';
import { parseTime } from '../../events';
import { invalid } from '../../primitives/refusal';
import { isStorable, type MeterEvent, nameLimit } from '../../stripe/meter-event';
import { type FormObject, formType, parseForm } from '../read-form';
import { type StripeErrorDetails, stripeRefusal } from './stripe-error';

/** Keys of one payload at most. */
const payloadLimit = 100;

const refuse = (param: string, message: string, code: string) =>
  stripeRefusal('invalid', message, { param, code } satisfies StripeErrorDetails);

const mediaType = (request: IncomingMessage): string =>
  (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();

/** The meter event of a v1 form. @throws Refusal that names the parameter */
export const formMeterEvent = (request: IncomingMessage, body: string): MeterEvent => {
  const type = mediaType(request);
  if (type !== formType && type !== '')
    throw invalid('content_type', `Content-Type must be ${formType}, not "${type.slice(0, 128)}".`);
  const form = parseForm(body);
  for (const name of Object.keys(form))
    if (!v1Names.has(name))
      throw refuse(
        name.slice(0, 128),
        `Received unknown parameter: ${name.slice(0, 128)}`,
        'parameter_unknown',
      );
  return {
    event_name: nameOf(form.event_name, 'event_name', 'parameter', true)!,
    payload: payloadOf(form.payload, 'payload', 'parameter'),
    identifier: nameOf(form.identifier, 'identifier', 'parameter', false),
    timestamp: form.timestamp === undefined ? undefined : secondsOf(form.timestamp),
  };
};

const v1Names = new Set(['event_name', 'payload', 'identifier', 'timestamp', 'expand']);
const v2Names = new Set(['event_name', 'payload', 'identifier', 'timestamp']);

const secondsOf = (value: string | FormObject): number => {
  if (typeof value === 'string' && /^-?\d{1,13}$/.test(value)) return Number(value) * 1_000;
  throw refuse(
    'timestamp',
    'Invalid timestamp: it must be a Unix time in seconds.',
    'parameter_invalid_integer',
  );
};

/** Whose codes are answered: v1 names what is wrong with the parameter, v2 has one code. */
type Codes = 'parameter' | 'invalid_fields';

const codeOf = (codes: Codes, code: string): string => (codes === 'parameter' ? `parameter_${code}` : codes);

const nameOf = (value: unknown, param: string, codes: Codes, isRequired: boolean): string | undefined => {
  if (value === undefined || (value === null && codes === 'invalid_fields')) {
    if (!isRequired) return undefined;
    throw refuse(param, `Missing required param: ${param}.`, codeOf(codes, 'missing'));
  }
  if (typeof value !== 'string')
    throw refuse(param, `Invalid ${param}: it must be a string.`, codeOf(codes, 'invalid'));
  if (value === '')
    throw refuse(param, `Invalid ${param}: it must not be empty.`, codeOf(codes, 'invalid_empty'));
  if (value.length > nameLimit || !isStorable(value))
    throw refuse(
      param,
      `Invalid ${param}: it must have at most ${nameLimit} characters, no U+0000 and no half of a surrogate pair.`,
      codeOf(codes, 'invalid'),
    );
  return value;
};

const payloadOf = (value: unknown, param: string, codes: Codes): Record<string, string> => {
  if (value === undefined || value === null)
    throw refuse(param, `Missing required param: ${param}.`, codeOf(codes, 'missing'));
  if (typeof value !== 'object' || Array.isArray(value))
    throw refuse(param, `Invalid ${param}: it must be a map of strings.`, codeOf(codes, 'invalid'));
  let keys = 0;
  for (const key in value) {
    keys += 1;
    if (typeof (value as Record<string, unknown>)[key] !== 'string')
      throw refuse(
        `${param}[${key.slice(0, 128)}]`,
        `Invalid ${param}: the value of "${key.slice(0, 128)}" must be a string.`,
        codeOf(codes, 'invalid'),
      );
  }
  if (keys > payloadLimit)
    throw refuse(
      param,
      `Invalid ${param}: it must have at most ${payloadLimit} keys.`,
      codeOf(codes, 'invalid'),
    );
  return value as Record<string, string>;
};

/** The JSON of a v2 body. @throws Refusal `malformed_json`, `content_type` */
export const jsonBody = (request: IncomingMessage, body: string): unknown => {
  const type = mediaType(request);
  if (type !== 'application/json' && type !== '')
    throw invalid('content_type', `Content-Type must be application/json, not "${type.slice(0, 128)}".`);
  try {
    return JSON.parse(body);
  } catch (error) {
    throw invalid('malformed_json', `The body is not JSON: ${(error as Error).message}`);
  }
};

/** A v2 meter event. @param at where it stands in the body, with a dot at the end; empty for the body itself */
export const jsonMeterEvent = (value: unknown, at: string): MeterEvent => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuse(at.slice(0, -1), 'A meter event must be an object.', 'invalid_fields');
  const given = value as Record<string, unknown>;
  for (const name in given)
    if (!v2Names.has(name))
      throw refuse(`${at}${name.slice(0, 128)}`, `Unknown field: ${name.slice(0, 128)}.`, 'invalid_fields');
  return {
    event_name: nameOf(given.event_name, `${at}event_name`, 'invalid_fields', true)!,
    payload: payloadOf(given.payload, `${at}payload`, 'invalid_fields'),
    identifier: nameOf(given.identifier, `${at}identifier`, 'invalid_fields', false),
    timestamp: instantOf(given.timestamp, `${at}timestamp`),
  };
};

const instantOf = (value: unknown, param: string): number | undefined => {
  if (value === undefined || value === null) return undefined;
  const instant = typeof value === 'string' ? parseTime(value) : undefined;
  if (instant === undefined)
    throw refuse(param, `Invalid ${param}: it must be an RFC 3339 time.`, 'invalid_fields');
  return instant;
};
