import fc from 'fast-check';
import { formatQuantity, ONE, parseQuantity, toQuantity, ZERO } from '../../../src/primitives/decimal';

const parsed = (value: string | number): string | undefined => {
  const quantity = parseQuantity(value);
  return quantity === undefined ? undefined : formatQuantity(quantity);
};

describe('a quantity', () => {
  test.each([
    ['0.10', '0.1'],
    ['-0', '0'],
    ['007', '7'],
    ['1e3', '1000'],
    ['.5', '0.5'],
    ['+2', '2'],
    ['9007199254740993', '9007199254740993'],
    [`1e${30}`, `1${'0'.repeat(30)}`],
    ['1e-30', `0.${'0'.repeat(29)}1`],
    ['1'.repeat(31), '1'.repeat(31)],
    ['0e99999', '0'],
    [0.1, '0.1'],
    [1e21, `1${'0'.repeat(21)}`],
    [-3, '-3'],
  ])('reads %p as %s', (value, expected) => {
    expect(parsed(value)).toBe(expected);
  });

  test.each([
    ['', 'empty'],
    [' 1', 'white space'],
    ['1 ', 'white space'],
    ['0x10', 'hexadecimal'],
    ['Infinity', 'not finite'],
    ['NaN', 'not a number'],
    ['1.', 'no digit after the point'],
    ['1,5', 'comma'],
    ['--1', 'two signs'],
    ['1e31', 'too large'],
    ['1e-31', 'too small'],
    ['1e999999', 'exponent too long'],
    ['1.'.padEnd(42, '1'), 'over 40 significant digits'],
    ['0'.repeat(200), 'too long'],
    [Number.NaN, 'not a number'],
    [Number.POSITIVE_INFINITY, 'not finite'],
    [1e300, 'too large'],
  ])('refuses %p: %s', (value: string | number, _reason: string) => {
    expect(parseQuantity(value)).toBeUndefined();
  });

  test('ten tenths make one', () => {
    const tenths = Array.from({ length: 10 }, () => parseQuantity('0.1')!);
    expect(tenths.reduce((sum, tenth) => sum.plus(tenth), ZERO).equals(ONE)).toBe(true);
  });

  test('the smallest and the largest value add up without rounding', () => {
    const largest = parseQuantity(`9.${'9'.repeat(39)}e30`)!;
    const smallest = parseQuantity(`1.${'0'.repeat(38)}1e-30`)!;
    let sum = largest.plus(smallest);
    for (let doubled = 0; doubled < 60; doubled++) sum = sum.plus(sum);
    const times = toQuantity(2n ** 60n);
    expect(sum.minus(largest.times(times)).equals(smallest.times(times))).toBe(true);
  });

  test('sums of decimals equal the sums of their integers', () => {
    const cents = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n });
    fc.assert(
      fc.property(fc.array(cents, { maxLength: 30 }), (amounts) => {
        const sum = amounts.reduce((total, amount) => total.plus(toQuantity(amount).times('1e-6')), ZERO);
        const expected = amounts.reduce((total, amount) => total + amount, 0n);
        expect(sum.times(1e6).toFixed()).toBe(toQuantity(expected).toFixed());
      }),
    );
  });

  test('what is formatted reads back as the same value', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 29n), max: 10n ** 29n }),
        fc.integer({ min: -29, max: 1 }),
        (digits, exponent) => {
          const quantity = parseQuantity(`${digits}e${exponent}`);
          fc.pre(quantity !== undefined);
          const text = formatQuantity(quantity!);
          expect(text).toMatch(/^(?:-?(?!0\d)\d+(?:\.\d*[1-9])?)$/);
          expect(parseQuantity(text)!.equals(quantity!)).toBe(true);
        },
      ),
    );
  });

  test('a trusted text that is no finite number is a programming error', () => {
    expect(() => toQuantity('NaN')).toThrow(RangeError);
    expect(() => toQuantity('abc')).toThrow();
  });
});
