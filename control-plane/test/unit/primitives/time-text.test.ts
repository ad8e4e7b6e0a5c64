import fc from 'fast-check';
import { toTimeText } from '../../../src/primitives/time-text';

const greatest = 8_640_000_000_000_000;

describe('the text of a time', () => {
  it('is that of Date.prototype.toISOString, whatever was written before', () => {
    const times = fc.array(
      fc.oneof(
        fc.integer({ min: -greatest, max: greatest }),
        fc.integer({ min: 0, max: 4_102_444_800 }).map((seconds) => seconds * 1_000),
        fc.double({ min: -1e13, max: 1e13, noNaN: true }),
        fc.constantFrom(0, -1, greatest, -greatest, 253_402_300_800_000, -62_167_219_200_001),
      ),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(times, (values) => {
        for (const value of values) expect(toTimeText(value)).toBe(new Date(value).toISOString());
      }),
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, greatest + 1, -greatest - 1])('refuses %s', (value) => {
    expect(() => toTimeText(value)).toThrow(RangeError);
  });
});
