import { exactNumberText, isLongerThan, type UsageEvent } from '../events';
import { formatQuantity, parseQuantity } from '../primitives/decimal';
import type { Aggregation, CompiledMeter } from './meter';

/** What an event contributes to a meter: an amount, or for UNIQUE_COUNT the text to tell apart. */
export type EventValue = { amount: number | string } | { text: string } | { error: string };

const counted: EventValue = { amount: 1 };

/**
 * The value of an event for a meter, or why it has none; the texts are OpenMeter's `validationError`s.
 * Numbers and numeric strings count. An amount is a number where a double holds it exactly, otherwise its decimal text.
 */
export const readValue = (compiled: CompiledMeter, event: UsageEvent): EventValue => {
  if (!compiled.valueReader) return counted;
  if (!event.data) return { error: 'invalid event: null and missing value property' };
  const raw = compiled.valueReader(event.data);
  if (raw === undefined) {
    return { error: `invalid event: missing value property: "${compiled.meter.valueProperty}"` };
  }
  return amountOf(raw, compiled.meter.aggregation);
};

const amountOf = (raw: unknown, aggregation: Aggregation): EventValue => {
  if (raw === null) return { error: 'invalid event: value cannot be null' };
  if (aggregation === 'UNIQUE_COUNT') return uniqueTextOf(raw);
  if (typeof raw === 'number') {
    if (Number.isSafeInteger(raw)) return { amount: raw };
    return exactAmount(String(raw));
  }
  const exact = exactNumberText(raw);
  if (exact !== undefined) return exactAmount(exact);
  if (typeof raw === 'string') return exactAmount(raw.trim());
  return { error: `invalid event: unsupported value property type: ${typeName(raw)}` };
};

const exactAmount = (text: string): EventValue => {
  if (/^[+-]?nan$/i.test(text)) return { error: 'invalid event: value cannot be NaN' };
  if (/^[+-]?inf(inity)?$/i.test(text)) return { error: 'invalid event: value cannot be infinity' };
  const quantity = parseQuantity(text);
  if (!quantity) return { error: `invalid event: value cannot be parsed as float64: ${text.slice(0, 64)}` };
  return { amount: formatQuantity(quantity) };
};

/** Longest value that UNIQUE_COUNT tells apart, in bytes of UTF-8: it becomes part of an index. */
const uniqueTextLimit = 1_024;

const uniqueTextOf = (raw: unknown): EventValue => {
  const text = exactNumberText(raw) ?? (typeof raw === 'object' ? undefined : String(raw));
  if (text === undefined)
    return { error: `invalid event: unsupported value property type: ${typeName(raw)}` };
  if (isLongerThan(text, uniqueTextLimit) || text.includes('\u0000')) {
    return { error: `invalid event: a unique value has at most ${uniqueTextLimit} bytes and no U+0000` };
  }
  return { text };
};

const typeName = (raw: unknown): string => (Array.isArray(raw) ? 'array' : typeof raw);

/** Longest group-by value, in characters; longer ones count under their beginning. */
export const groupValueLimit = 512;

/**
 * The text an event is grouped under: strings and numbers as they are, booleans and null as their JSON text, and the
 * empty string for what is missing, an array or an object (OpenMeter's rules).
 */
export const readGroupValue = (value: unknown): string => {
  if (typeof value === 'string') return storableText(value.slice(0, groupValueLimit));
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === null) return 'null';
  return exactNumberText(value) ?? '';
};

/** Postgres stores neither U+0000 nor half of a surrogate pair, which cutting may also leave at the end. */
const storableText = (text: string): string =>
  text.isWellFormed() && !text.includes('\u0000')
    ? text
    : text.replaceAll('\u0000', '').replace(/\p{Surrogate}/gu, '\ufffd');
