import { type FieldError, Refusal } from '../primitives/refusal';

/** Levels of arrays and objects in one body or query at most. */
const maximumDepth = 64;

/**
 * Refuses what no database keeps and no reader expects, before any schema looks at it: text with U+0000 or half a character
 * (a lone surrogate, which JSON may hold and UTF-8 may not), and values nested deeper than {@link maximumDepth}.
 * @throws Refusal `validation_failed` that names the field
 */
export const checkText = (value: unknown, where: 'path' | 'query' | 'body'): void => {
  const fault = faultIn(value, where === 'body' ? '$' : '', 0);
  if (!fault) return;
  throw new Refusal(
    'invalid',
    'validation_failed',
    `the ${where} is not valid: ${fault.field}: ${fault.message}`,
    { fields: [fault] },
  );
};

const faultIn = (value: unknown, field: string, depth: number): FieldError | undefined => {
  if (typeof value === 'string') return textFault(value, field);
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= maximumDepth) {
    return { code: 'too_deep', field: '$', message: `must not be nested deeper than ${maximumDepth} levels` };
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const fault = faultIn(value[index], `${field}[${index}]`, depth + 1);
      if (fault) return fault;
    }
    return undefined;
  }
  for (const [key, part] of Object.entries(value)) {
    const inner = field === '' ? key : `${field}.${key}`;
    const fault = textFault(key, field === '' ? '(a name)' : field) ?? faultIn(part, inner, depth + 1);
    if (fault) return fault;
  }
  return undefined;
};

const textFault = (text: string, field: string): FieldError | undefined => {
  if (text.includes('\u0000')) {
    return { code: 'invalid_text', field, message: 'must not contain the character U+0000' };
  }
  if (!text.isWellFormed()) {
    return { code: 'invalid_text', field, message: 'must not contain half a character (a lone surrogate)' };
  }
  return undefined;
};
