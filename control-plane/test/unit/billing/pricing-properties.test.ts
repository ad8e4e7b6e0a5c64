import fc from 'fast-check';
import {
  type Discounts,
  type Price,
  type PriceTier,
  problemsOfDiscounts,
  problemsOfPrice,
} from '../../../src/billing/pricing/price';
import { type PricedLine, priceLine, sumTotals } from '../../../src/billing/pricing/price-line';
import { type Quantity, toQuantity, ZERO } from '../../../src/primitives/decimal';

const decimal = (max: number, digits: number): fc.Arbitrary<Quantity> =>
  fc.integer({ min: 0, max: max * 10 ** digits }).map((count) => toQuantity(count).times(`1e-${digits}`));
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });

const commitments = fc
  .tuple(maybe(decimal(60, 2)), maybe(decimal(60, 2)))
  .map(([minimumAmount, more]) => ({ minimumAmount, maximumAmount: more?.plus(minimumAmount ?? 0) }));

const tiers = (amount: fc.Arbitrary<Quantity>): fc.Arbitrary<PriceTier[]> =>
  fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 4 }).chain((ends) =>
    fc.tuple(
      ...[...ends.sort((a, b) => a - b), undefined].map((end) =>
        fc.tuple(maybe(amount), maybe(amount), amount).map(([flatAmount, unitAmount, either]) => ({
          upTo: end === undefined ? undefined : toQuantity(end),
          flatAmount,
          unitAmount: flatAmount === undefined && unitAmount === undefined ? either : unitAmount,
        })),
      ),
    ),
  );

const amount = decimal(9, 4);
const prices: fc.Arbitrary<Price> = fc.oneof(
  fc.record({
    type: fc.constant('flat' as const),
    amount,
    paymentTerm: fc.constantFrom('in_advance' as const, 'in_arrears' as const),
  }),
  fc.tuple(amount, commitments).map(([each, more]): Price => ({ type: 'unit', amount: each, ...more })),
  fc
    .tuple(amount, commitments)
    .map(([multiplier, more]): Price => ({ type: 'dynamic', multiplier, ...more })),
  fc.tuple(amount, fc.integer({ min: 1, max: 12 }), commitments).map(
    ([each, size, more]): Price => ({
      type: 'package',
      amount: each,
      quantityPerPackage: toQuantity(size),
      ...more,
    }),
  ),
  fc
    .tuple(fc.constantFrom('volume' as const, 'graduated' as const), tiers(amount), commitments)
    .map(([mode, list, more]): Price => ({ type: 'tiered', mode, tiers: list, ...more })),
);
const discountsOf = (price: Price): fc.Arbitrary<Discounts> =>
  fc.record({
    percentage: maybe(decimal(100, 1)),
    usageQuantity:
      price.type === 'flat' ? fc.constant(undefined) : maybe(decimal(10, 1).map((free) => free.plus('0.1'))),
  });
const offers = prices.chain((price) =>
  fc.record({ price: fc.constant(price), discounts: discountsOf(price) }),
);
const minorUnits = fc.constantFrom(0, 2, 3);
const parts = fc.array(fc.oneof(decimal(15, 0), decimal(15, 2)), { minLength: 1, maxLength: 6 });

type Offer = { price: Price; discounts?: Discounts };

const sum = (quantities: readonly Quantity[]): Quantity =>
  quantities.reduce((total, value) => total.plus(value), ZERO);

function billInParts(offer: Offer, quantities: readonly Quantity[], digits: number): PricedLine[] {
  return quantities.map((quantity, index) =>
    priceLine({
      name: 'calls',
      ...offer,
      minorUnits: digits,
      preLineQuantity: sum(quantities.slice(0, index)),
      quantity,
      isFirstInPeriod: index === 0,
      isLastInPeriod: index === quantities.length - 1,
    }),
  );
}

describe('pricing', () => {
  test('generates sound prices', () => {
    fc.assert(
      fc.property(offers, ({ price, discounts }) => {
        expect([...problemsOfPrice(price), ...problemsOfDiscounts(discounts, price)]).toEqual([]);
      }),
    );
  });

  test('split periods sum to the whole, to the smallest amount, whatever the price and discounts', () => {
    fc.assert(
      fc.property(offers, parts, minorUnits, (offer, quantities, digits) => {
        const [whole] = billInParts(offer, [sum(quantities)], digits);
        const lines = billInParts(offer, quantities, digits);
        const totals = sumTotals(lines.map((line) => line.totals));
        expect(totals.total.toFixed()).toBe(whole!.totals.total.toFixed());
        expect(totals.amount.toFixed()).toBe(whole!.totals.amount.toFixed());
        expect(sum(lines.map(({ usageDiscount }) => usageDiscount.quantity)).toFixed()).toBe(
          whole!.usageDiscount.quantity.toFixed(),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('split periods sum to the whole when corrections lower the usage', () => {
    const signed = fc.array(fc.integer({ min: -20, max: 30 }).map(toQuantity), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(offers, signed, minorUnits, (offer, quantities, digits) => {
        const [whole] = billInParts(offer, [sum(quantities)], digits);
        const totals = sumTotals(billInParts(offer, quantities, digits).map((line) => line.totals));
        expect(totals.total.toFixed()).toBe(whole!.totals.total.toFixed());
      }),
    );
  });

  test('totals equal the sum of lines, in whole smallest amounts', () => {
    fc.assert(
      fc.property(offers, parts, minorUnits, (offer, quantities, digits) => {
        for (const { detailedLines, totals } of billInParts(offer, quantities, digits)) {
          expect(sum(detailedLines.map((line) => line.totals.total)).equals(totals.total)).toBe(true);
          expect(
            totals.amount.plus(totals.chargesTotal).minus(totals.discountsTotal).equals(totals.total),
          ).toBe(true);
          for (const { totals: each, discounts } of detailedLines) {
            expect(each.total.decimalPlaces()).toBeLessThanOrEqual(digits);
            expect(sum(discounts.map((discount) => discount.amount)).equals(each.discountsTotal)).toBe(true);
            expect(each.amount.plus(each.chargesTotal).minus(each.discountsTotal).equals(each.total)).toBe(
              true,
            );
          }
        }
      }),
    );
  });

  test('no line is negative while usage only grows, and commitments hold', () => {
    fc.assert(
      fc.property(offers, parts, (offer, quantities) => {
        const lines = billInParts(offer, quantities, 2);
        for (const { detailedLines } of lines) {
          for (const { totals, quantity } of detailedLines) {
            expect(
              [totals.total, totals.discountsTotal, totals.amount, quantity].some((value) =>
                value.lessThan(0),
              ),
            ).toBe(false);
          }
        }
        const { minimumAmount, maximumAmount } = offer.price.type === 'flat' ? {} : offer.price;
        const { total } = sumTotals(lines.map(({ totals }) => totals));
        if (minimumAmount !== undefined) expect(total.greaterThanOrEqualTo(minimumAmount)).toBe(true);
        if (maximumAmount !== undefined) expect(total.lessThanOrEqualTo(maximumAmount)).toBe(true);
      }),
    );
  });

  test('no tier boundary gains or loses a unit: the tiers cost what each unit on its own costs', () => {
    const wholeCents = decimal(9, 2);
    const units = fc.array(fc.integer({ min: 0, max: 25 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(tiers(wholeCents), fc.constantFrom('volume', 'graduated'), units, (list, mode, counts) => {
        const price: Price = { type: 'tiered', mode: mode as 'volume' | 'graduated', tiers: list };
        const lines = billInParts({ price }, counts.map(toQuantity), 2);
        const count = counts.reduce((total, value) => total + value, 0);
        const tierOf = (unit: number): PriceTier =>
          list.find(({ upTo }) => upTo === undefined || upTo.greaterThanOrEqualTo(unit))!;
        const each = Array.from({ length: count }, (_, index) =>
          tierOf(mode === 'volume' ? count : index + 1),
        );
        const entered = mode === 'volume' ? [tierOf(count)] : [...new Set([list[0]!, ...each])];
        const expected = sum([
          ...each.map(({ unitAmount }) => unitAmount ?? ZERO),
          ...entered.map(({ flatAmount }) => flatAmount ?? ZERO),
        ]);
        expect(sumTotals(lines.map(({ totals }) => totals)).total.toFixed()).toBe(expected.toFixed());
        if (list.every(({ unitAmount }) => unitAmount !== undefined)) {
          const billed = lines
            .flatMap(({ detailedLines }) => detailedLines)
            .filter(({ key }) => !key.includes('flat'));
          expect(sum(billed.map(({ quantity }) => quantity)).toNumber()).toBe(count);
        }
      }),
      { numRuns: 300 },
    );
  });
});
