import type { IncomingMessage } from 'node:http';
import { invalid } from '../primitives/refusal';
import { readBody } from './read-body';

export const formType = 'application/x-www-form-urlencoded';

const pairLimit = 300;
const depthLimit = 5;

/** An object of a form: without a prototype, so that a key may have any name. */
export interface FormObject {
  [key: string]: string | FormObject;
}

/** Reads a form's body. @throws Refusal `content_type`, `malformed_form`, or what readBody throws */
export const readForm = async (request: IncomingMessage, limitBytes: number): Promise<FormObject> => {
  const body = await readBody(request, limitBytes);
  if (body.length === 0) return Object.create(null) as FormObject;
  const type = (request.headers['content-type'] ?? formType).split(';', 1)[0]!.trim().toLowerCase();
  if (type !== formType)
    throw invalid('content_type', `Content-Type must be ${formType}, not "${type.slice(0, 128)}"`);
  return parseForm(body.toString('utf8'));
};

/**
 * Parses a form whose keys may have brackets: `a[b][c]=1` is `{a: {b: {c: "1"}}}`, `a[]=1` appends. Of a key that is given
 * twice the last counts.
 * @throws Refusal `malformed_form`
 */
export const parseForm = (text: string): FormObject => {
  const form = Object.create(null) as FormObject;
  let pairs = 0;
  for (const [key, value] of new URLSearchParams(text)) {
    pairs += 1;
    if (pairs > pairLimit) throw invalid('malformed_form', `a form has at most ${pairLimit} parameters`);
    set(form, key, value);
  }
  return form;
};

const set = (form: FormObject, key: string, value: string): void => {
  const bracket = key.indexOf('[');
  if (bracket < 0) {
    assign(form, key, value, key);
    return;
  }
  const path = [key.slice(0, bracket), ...stepsOf(key, bracket)];
  let object = form;
  for (const step of path.slice(0, -1)) {
    const inner = object[step] ?? (Object.create(null) as FormObject);
    object[step] = inner;
    if (typeof inner === 'string') throw mixed(key);
    object = inner;
  }
  const last = path.at(-1)!;
  assign(object, last === '' ? String(Object.keys(object).length) : last, value, key);
};

const assign = (object: FormObject, name: string, value: string, key: string): void => {
  if (typeof object[name] === 'object') throw mixed(key);
  object[name] = value;
};

const stepsOf = (key: string, from: number): string[] => {
  const rest = key.slice(from);
  if (!/^(?:\[[^[\]]*\])+$/.test(rest))
    throw invalid('malformed_form', `the parameter "${key.slice(0, 128)}" has brackets that do not match`);
  const steps = rest.slice(1, -1).split('][');
  if (steps.length > depthLimit)
    throw invalid('malformed_form', `the parameter "${key.slice(0, 128)}" is nested too deeply`);
  return steps;
};

const mixed = (key: string) =>
  invalid('malformed_form', `the parameter "${key.slice(0, 128)}" is given both with brackets and without`);
