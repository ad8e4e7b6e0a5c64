import fc from 'fast-check';
import { moneyText, percentText, quantityText, withUnit } from '../../src/format/quantity';

describe('quantities', () => {
  test.each([
    ['0', '0'],
    ['1000', '1,000'],
    ['9007199254740993', '9,007,199,254,740,993'],
    ['-1234567.500', '−1,234,567.5'],
    ['0.1', '0.1'],
    [1e21, '1,000,000,000,000,000,000,000'],
    [0.1 + 0.2, '0.3'],
    [Number.NaN, 'NaN'],
  ])('%p is written as %p', (value, text) => {
    expect(quantityText(value)).toBe(text);
  });

  test('lose no digit between the separators', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 40n }), (value) => {
        expect(BigInt(quantityText(String(value)).replaceAll(',', ''))).toBe(value);
      }),
    );
  });

  test('take their unit in the plural unless there is one', () => {
    expect(withUnit(1, 'request')).toBe('1 request');
    expect(withUnit(10_000, 'request')).toBe('10,000 requests');
    expect(withUnit(0, 'entry')).toBe('0 entries');
    expect(withUnit(2, 'key')).toBe('2 keys');
  });

  test('a share just below everything is not rounded up to it', () => {
    expect(percentText(99_999, 100_000)).toBe('99.9 %');
    expect(percentText(100_000, 100_000)).toBe('100 %');
    expect(percentText(1, 0)).toBe('over');
    expect(percentText(0, 0)).toBe('0 %');
  });

  test('money keeps its exact amount and shows an unknown currency as it is', () => {
    expect(moneyText('1234.5', 'USD')).toBe('$1,234.50');
    expect(moneyText('0.000125', 'EUR')).toBe('€0.000125');
    expect(moneyText('10', 'credits')).toBe('10 credits');
  });
});
