import { Decimal } from 'decimal.js';

/** What a single value from outside may have at most; see {@link Quantity} for why. */
const MAX_SIGNIFICANT_DIGITS = 40;
const MAX_EXPONENT = 30;
const MAX_TEXT_LENGTH = 128;

/**
 * The number grammar of JSON (RFC 8259, section 6), with an optional plus sign and leading zeros; no hex, no white space,
 * no "Infinity", which Decimal itself would take.
 */
const NUMBER_TEXT = /^[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,5})?$/;

/**
 * An exact decimal number: usage, balances, amounts of money.
 *
 * A parsed value lies between 10^-69 and 10^31, so the sum of 10^18 of them needs at most 119 digits: with a precision of
 * 120, addition and subtraction never round. Multiplication is exact while the digits of both factors together stay
 * within 120. Only division rounds, half up.
 */
export const Quantity = Decimal.clone({
  precision: 120,
  rounding: Decimal.ROUND_HALF_UP,
  toExpNeg: -9e15,
  toExpPos: 9e15,
});
export type Quantity = Decimal;

export const ZERO: Quantity = new Quantity(0);
export const ONE: Quantity = new Quantity(1);

/** Reads a value from outside: a finite number or numeric text within the limits, otherwise undefined. */
export function parseQuantity(value: string | number): Quantity | undefined {
  if (typeof value === 'number') {
    return Number.isFinite(value) ? withinLimits(new Quantity(value)) : undefined;
  }
  if (value.length > MAX_TEXT_LENGTH || !NUMBER_TEXT.test(value)) return undefined;
  return withinLimits(new Quantity(value));
}

/**
 * Takes a value that is already known to be a number (a column of type numeric, a constant, a computed sum), which may
 * have more digits than one value from outside. Throws when it is not a finite number.
 */
export function toQuantity(value: string | number | bigint): Quantity {
  const quantity = new Quantity(typeof value === 'bigint' ? value.toString() : value);
  if (!quantity.isFinite()) throw new RangeError(`not a finite number: ${value}`);
  return quantity;
}

/** The canonical plain notation: no exponent, no trailing zeros, no negative zero. */
export function formatQuantity(quantity: Quantity): string {
  return quantity.isZero() ? '0' : quantity.toFixed();
}

function withinLimits(quantity: Quantity): Quantity | undefined {
  if (!quantity.isFinite()) return undefined;
  if (quantity.isZero()) return ZERO;
  const fits = Math.abs(quantity.e) <= MAX_EXPONENT && quantity.precision() <= MAX_SIGNIFICANT_DIGITS;
  return fits ? quantity : undefined;
}
