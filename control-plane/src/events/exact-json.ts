import {
  isLosslessNumber,
  LosslessNumber,
  parse as parseLossless,
  stringify as stringifyLossless,
} from 'lossless-json';

export type JsonObject = Record<string, unknown>;

/**
 * A number token that a double may not hold exactly: sixteen digits or more, or an exponent. It may match inside of a
 * string, which costs time but changes nothing.
 */
const riskyNumber = /[:[,]\s*-?(?:\d[\d.]{15,}|\d[\d.]*[eE])/;

const parseNumber = (text: string): unknown => {
  const number = Number(text);
  return String(number) === text ? number : new LosslessNumber(text);
};

export interface ExactJson {
  value: unknown;
  /** Whether `value` holds numbers kept as text, so that it must be written by {@link writeExactJson}. */
  isExact: boolean;
}

/**
 * Parses JSON without losing a digit: 9007199254740993 stays itself. The ordinary parser does the work unless the text
 * holds a number that needs more.
 * @throws SyntaxError as JSON.parse does
 */
export const parseExactJson = (text: string): ExactJson =>
  riskyNumber.test(text)
    ? { value: parseLossless(text, undefined, parseNumber), isExact: true }
    : { value: JSON.parse(text), isExact: false };

/** Writes what {@link parseExactJson} read. */
export const writeExactJson = (value: unknown, isExact: boolean): string =>
  isExact ? (stringifyLossless(value) ?? 'null') : JSON.stringify(value);

/** The text of a number kept exactly; undefined for anything else. */
export const exactNumberText = (value: unknown): string | undefined =>
  isLosslessNumber(value) ? value.toString() : undefined;
