import { minorUnitsOf, roundAmount } from '../../../src/billing/pricing/currencies';
import {
  type Discounts,
  type Price,
  type PriceTier,
  problemsOfDiscounts,
  problemsOfPrice,
} from '../../../src/billing/pricing/price';
import { type LineInput, type PricedLine, priceLine } from '../../../src/billing/pricing/price-line';
import { formatQuantity, type Quantity, toQuantity } from '../../../src/primitives/decimal';
import vectors from '../../fixtures/entitlement-and-billing.json';

interface PriceVector {
  mode: string;
  tiers?: string;
  cases: Record<string, number> | string;
  lines?: number[];
  note?: string;
}
const priceVectors = (vectors as { kind: string }[]).filter(
  ({ kind }) => kind === 'price',
) as unknown as PriceVector[];
const vectorOf = (mode: string): PriceVector => priceVectors.find((vector) => vector.mode.startsWith(mode))!;

const q = (value: number | string): Quantity => toQuantity(value);
const bill = (price: Price, quantity: number | string, more: Partial<LineInput> = {}): PricedLine =>
  priceLine({
    name: 'calls',
    price,
    minorUnits: 2,
    preLineQuantity: q(0),
    quantity: q(quantity),
    isFirstInPeriod: (more.preLineQuantity ?? q(0)).isZero(),
    isLastInPeriod: true,
    ...more,
  });
const total = (line: PricedLine): number => line.totals.total.toNumber();
const amounts = (line: PricedLine): number[] =>
  line.detailedLines
    .filter(({ totals }) => !totals.total.isZero())
    .map(({ totals }) => totals.total.toNumber());

/** Reads "<=5 flat100 unit0 | inf unit5". */
function tiersOf(text: string): PriceTier[] {
  return text.split('|').map((tier) => {
    const part = (pattern: RegExp): Quantity | undefined => {
      const match = pattern.exec(tier);
      return match === null ? undefined : q(match[1]!);
    };
    return { upTo: part(/<=(\d+)/), flatAmount: part(/flat(\d+)/), unitAmount: part(/unit(\d+)/) };
  });
}

describe('the worked price cases', () => {
  test('there are three', () => expect(priceVectors.length).toBe(3));

  const volumeVector = vectorOf('volume');
  const volume: Price = { type: 'tiered', mode: 'volume', tiers: tiersOf(volumeVector.tiers!) };

  test.each(Object.entries(volumeVector.cases as Record<string, number>))(
    'volume: %s costs %i',
    (quantity, expected) => {
      expect(problemsOfPrice(volume)).toEqual([]);
      expect(total(bill(volume, quantity))).toBe(expected);
    },
  );

  test(`volume: ${volumeVector.note}`, () => {
    expect(volumeVector.note).toBe('qty 0 still bills tier-1 flat; min 150 qty 5 -> 100 + 50 min-spend');
    const line = bill({ ...volume, minimumAmount: q(150) }, 5);
    expect(line.detailedLines.map(({ key, category }) => [key, category])).toEqual([
      ['volume-flat-price', 'regular'],
      ['min-spend', 'commitment'],
    ]);
    expect(amounts(line)).toEqual([100, 50]);
    expect([line.totals.amount, line.totals.chargesTotal, line.totals.total].map(Number)).toEqual([
      100, 50, 150,
    ]);
  });

  const graduatedVector = vectorOf('graduated');
  const graduated: Price = { type: 'tiered', mode: 'graduated', tiers: tiersOf(graduatedVector.tiers!) };

  test.each(Object.entries(graduatedVector.cases as Record<string, number>))(
    'graduated: %s costs %i',
    (quantity, expected) => {
      const line = bill(graduated, quantity);
      expect(total(line)).toBe(expected);
      expect(amounts(line)).toEqual(graduatedVector.lines);
    },
  );

  test(`graduated: ${graduatedVector.note}`, () => {
    expect(graduatedVector.note).toBe('pre 12 + line 10 -> 15 + 7 = 22');
    const line = bill(graduated, 10, { preLineQuantity: q(12) });
    expect(amounts(line)).toEqual([15, 7]);
    expect(line.detailedLines.map(({ key, quantity }) => [key, quantity.toNumber()])).toEqual([
      ['graduated-tiered-3-price-usage', 3],
      ['graduated-tiered-4-price-usage', 7],
    ]);
  });

  const packageVector = vectorOf('package');
  const [, size, amount] = /^package (\d+) for (\d+)$/.exec(packageVector.mode)!;
  const packages: Price = { type: 'package', quantityPerPackage: q(size!), amount: q(amount!) };
  const packageCases = [
    ...(packageVector.cases as string).matchAll(/(?:pre(\d+)\+)?(\d+)(?: \([^)]*\))?->(\d+)/g),
  ].map(([, before = '0', quantity, expected]) => [before, quantity!, Number(expected)] as const);

  test('package: there are three cases', () => expect(packageCases.length).toBe(3));
  test.each(packageCases)('package: %s before, then %s, costs %i', (before, quantity, expected) => {
    expect(total(bill(packages, quantity, { preLineQuantity: q(before) }))).toBe(expected);
  });
});

describe('a package', () => {
  test.each([
    ['0', 0],
    ['0.0001', 1],
    ['1', 1],
    ['10', 1],
    ['10.0001', 2],
    ['11', 2],
    [`1${'0'.repeat(30)}`, 1e29],
  ])('of ten: %s begin %d', (quantity, packages) => {
    expect(total(bill({ type: 'package', quantityPerPackage: q(10), amount: q(1) }, quantity))).toBe(
      packages,
    );
  });
});

describe('a price', () => {
  const unit = (amount: string, more: object = {}): Price => ({ type: 'unit', amount: q(amount), ...more });

  test('per unit is exact: ten times a tenth of a cent is a cent', () => {
    expect(total(bill(unit('0.001'), 10))).toBe(0.01);
    expect(formatQuantity(bill(unit('1'), '9007199254740993').totals.total)).toBe('9007199254740993');
  });

  test('per seat: three seats at one make three', () => {
    const line = bill(unit('1'), 3);
    expect(line.detailedLines).toMatchObject([
      { key: 'unit-price-usage', name: 'calls: usage in period', discounts: [] },
    ]);
    expect([line.detailedLines[0]!.quantity, line.totals.amount, line.totals.total].map(Number)).toEqual([
      3, 3, 3,
    ]);
  });

  test('flat is due on the first line in advance, on the last in arrears', () => {
    const flat = (paymentTerm: 'in_advance' | 'in_arrears'): Price => ({
      type: 'flat',
      amount: q(30),
      paymentTerm,
    });
    const parts = [
      { isFirstInPeriod: true, isLastInPeriod: false },
      { isFirstInPeriod: false, isLastInPeriod: false },
      { isFirstInPeriod: false, isLastInPeriod: true },
    ];
    expect(parts.map((part) => total(bill(flat('in_advance'), 0, part)))).toEqual([30, 0, 0]);
    expect(parts.map((part) => total(bill(flat('in_arrears'), 0, part)))).toEqual([0, 0, 30]);
    expect(bill(flat('in_arrears'), 0).detailedLines[0]).toMatchObject({ key: 'flat-price', name: 'calls' });
  });

  test('dynamic multiplies what is money already, as one item', () => {
    const line = bill({ type: 'dynamic', multiplier: q('1.2') }, '10.004');
    expect(line.detailedLines).toHaveLength(1);
    const { quantity, perUnitAmount } = line.detailedLines[0]!;
    expect([quantity, perUnitAmount, line.totals.total].map(Number)).toEqual([1, 12, 12]);
  });

  test('graduated bills the flat amount of the first tier once, even if usage starts in a later part', () => {
    const price: Price = {
      type: 'tiered',
      mode: 'graduated',
      tiers: [{ upTo: q(5), flatAmount: q(100) }, { unitAmount: q(1) }],
    };
    const first = bill(price, 0, { isLastInPeriod: false });
    const second = bill(price, 7, { isFirstInPeriod: false });
    expect([total(first), total(second)]).toEqual([100, 2]);
  });

  test('a maximum cuts, and what went before counts', () => {
    const price: Price = { type: 'package', quantityPerPackage: q(10), amount: q(15), maximumAmount: q(100) };
    const line = bill(price, 50, { preLineQuantity: q(60), isLastInPeriod: false });
    expect([line.totals.amount, line.totals.discountsTotal, line.totals.total].map(Number)).toEqual([
      75, 65, 10,
    ]);
    expect(line.detailedLines[0]!.discounts).toMatchObject([{ reason: 'maximum_spend' }]);
  });

  test('a minimum is asked for at the end of the period alone, usage or none', () => {
    const price = unit('1', { minimumAmount: q(10) });
    expect(total(bill(price, 3, { isLastInPeriod: false }))).toBe(3);
    expect(total(bill(price, 2, { preLineQuantity: q(3) }))).toBe(7);
    expect(total(bill(price, 0))).toBe(10);
  });

  test('the free quantity comes off before the tiers, and over the whole period', () => {
    const price: Price = {
      type: 'tiered',
      mode: 'graduated',
      tiers: [{ upTo: q(5), unitAmount: q(10) }, { unitAmount: q(1) }],
    };
    const discounts = { usageQuantity: q(10) };
    const first = bill(price, 8, { discounts, isLastInPeriod: false });
    const second = bill(price, 9, { discounts, preLineQuantity: q(8) });
    expect([total(first), total(second)]).toEqual([0, 52]);
    expect([second.usageDiscount.quantity, second.usageDiscount.preLineQuantity].map(Number)).toEqual([2, 8]);
  });

  test('a percentage comes off each amount before the maximum, and not off the minimum', () => {
    const discounts = { percentage: q(50) };
    const capped = bill(unit('1', { maximumAmount: q(40) }), 100, { discounts });
    expect(
      capped.detailedLines[0]!.discounts.map((discount) => [discount.reason, Number(discount.amount)]),
    ).toEqual([
      ['ratecard_percentage', 50],
      ['maximum_spend', 10],
    ]);
    expect(total(bill(unit('1', { minimumAmount: q(40) }), 10, { discounts }))).toBe(40);
  });

  test('a correction gives back what a line before billed', () => {
    const line = bill(unit('2'), -3, { preLineQuantity: q(5), isLastInPeriod: false });
    expect([line.detailedLines[0]!.quantity, line.totals.total].map(Number)).toEqual([-3, -6]);
    expect(total(bill(unit('2'), -9, { preLineQuantity: q(5) }))).toBe(-10);
  });

  test('a first line with quantity before it is a programming error', () => {
    expect(() => bill(unit('1'), 1, { preLineQuantity: q(1), isFirstInPeriod: true })).toThrow(RangeError);
  });
});

describe('amounts', () => {
  test.each([
    ['USD', 2],
    ['JPY', 0],
    ['KRW', 0],
    ['HUF', 2],
    ['KWD', 3],
    ['CLF', 4],
    ['MGA', 2],
    ['usd', undefined],
    ['XXX', undefined],
    ['DEM', undefined],
  ])('of %s have %p decimals', (currency, digits) => expect(minorUnitsOf(currency)).toBe(digits));

  test.each([
    ['0.005', 2, '0.01'],
    ['-0.005', 2, '-0.01'],
    ['0.0049999999999999999999999', 2, '0'],
    ['1.5', 0, '2'],
    ['1.0005', 3, '1.001'],
  ])('%s to %i decimals is %s', (amount, digits, expected) => {
    expect(formatQuantity(roundAmount(q(amount), digits))).toBe(expected);
  });

  test('have no decimals in yen', () => {
    expect(total(bill({ type: 'unit', amount: q('0.4') }, 3, { minorUnits: 0 }))).toBe(1);
  });
});

describe('problems of a price', () => {
  const tier = (upTo?: number, unitAmount?: number): PriceTier => ({
    ...(upTo === undefined ? {} : { upTo: q(upTo) }),
    ...(unitAmount === undefined ? {} : { unitAmount: q(unitAmount) }),
  });
  const tiered = (...tiers: PriceTier[]): Price => ({ type: 'tiered', mode: 'graduated', tiers });

  test.each<[string, Price, string[]]>([
    ['no tiers', tiered(), ['tiers']],
    ['a closed last tier', tiered(tier(5, 1)), ['tiers[0].upTo']],
    ['an open tier in the middle', tiered(tier(undefined, 1), tier(undefined, 1)), ['tiers[0].upTo']],
    ['tiers that do not ascend', tiered(tier(5, 1), tier(5, 1), tier(undefined, 1)), ['tiers[1].upTo']],
    ['a tier from zero to zero', tiered(tier(0, 1), tier(undefined, 1)), ['tiers[0].upTo']],
    ['a tier without amounts', tiered(tier(5), tier(undefined, 1)), ['tiers[0]']],
    ['a negative tier amount', tiered(tier(5, -1), tier(undefined, 1)), ['tiers[0].unitAmount']],
    ['an empty package', { type: 'package', amount: q(1), quantityPerPackage: q(0) }, ['quantityPerPackage']],
    ['a negative amount', { type: 'flat', amount: q(-1), paymentTerm: 'in_advance' }, ['amount']],
    ['a negative multiplier', { type: 'dynamic', multiplier: q(-1) }, ['multiplier']],
    [
      'a maximum below the minimum',
      { type: 'unit', amount: q(1), minimumAmount: q(2), maximumAmount: q(1) },
      ['maximumAmount'],
    ],
    ['nothing', { type: 'unit', amount: q('0.5'), minimumAmount: q(1), maximumAmount: q(1) }, []],
  ])('name %s', (_what, price, fields) => {
    expect(problemsOfPrice(price).map(({ field }) => field)).toEqual(fields);
  });

  test.each<[Discounts, Price['type'], string[]]>([
    [{ percentage: q('100.1') }, 'unit', ['percentage']],
    [{ percentage: q(-1), usageQuantity: q(0) }, 'unit', ['percentage', 'usageQuantity']],
    [{ usageQuantity: q(5) }, 'flat', ['usageQuantity']],
    [{ percentage: q(100), usageQuantity: q('0.5') }, 'unit', []],
  ])('of discounts %j on a %s price', (discounts, type, fields) => {
    const price: Price =
      type === 'flat' ? { type, amount: q(1), paymentTerm: 'in_arrears' } : { type: 'unit', amount: q(1) };
    expect(problemsOfDiscounts(discounts, price).map(({ field }) => field)).toEqual(fields);
  });
});
