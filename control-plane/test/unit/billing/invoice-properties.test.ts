import fc from 'fast-check';
import type { InvoiceLine } from '../../../src/billing/invoices/invoice';
import {
  invoiceTotals,
  priceInvoiceLine,
  wholeQuantity,
} from '../../../src/billing/invoices/price-invoice-line';
import { type SubscriptionLine, subscriptionLines } from '../../../src/billing/invoices/subscription-lines';
import type { DiscountTerms, PriceTerms, RateCard, TierTerms } from '../../../src/billing/plans/rate-card';
import { type EditOperation, editPhases } from '../../../src/billing/subscriptions/edit-phases';
import { type Subscription, spanOfItem } from '../../../src/billing/subscriptions/subscription';
import { formatQuantity, type Quantity, toQuantity, ZERO } from '../../../src/primitives/decimal';

const dayMs = 86_400_000;
const start = Date.parse('2024-01-31T10:11:12.013Z');

const money = (most: number) =>
  fc.integer({ min: 0, max: most * 1_000 }).map((n) => formatQuantity(toQuantity(n).div(1_000)));
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const limits = fc.tuple(maybe(money(50)), maybe(money(50))).map(([minimumAmount, more]) => ({
  ...(minimumAmount === undefined ? {} : { minimumAmount }),
  ...(more === undefined ? {} : { maximumAmount: formatQuantity(toQuantity(more).plus(minimumAmount ?? 0)) }),
}));
const tiers = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 3 }).chain((ends) =>
  fc.tuple(
    ...[...ends.sort((a, b) => a - b).map(String), undefined].map((upToAmount) =>
      fc.tuple(money(5), maybe(money(5))).map(
        ([unit, flat]): TierTerms => ({
          ...(upToAmount === undefined ? {} : { upToAmount }),
          unitPrice: { type: 'unit', amount: unit },
          flatPrice: flat === undefined ? null : { type: 'flat', amount: flat },
        }),
      ),
    ),
  ),
);
const usagePrices: fc.Arbitrary<PriceTerms> = fc.oneof(
  fc.tuple(money(9), limits).map(([amount, more]): PriceTerms => ({ type: 'unit', amount, ...more })),
  fc
    .tuple(money(9), limits)
    .map(([multiplier, more]): PriceTerms => ({ type: 'dynamic', multiplier, ...more })),
  fc.tuple(money(9), fc.integer({ min: 1, max: 7 }), limits).map(
    ([amount, size, more]): PriceTerms => ({
      type: 'package',
      amount,
      quantityPerPackage: String(size),
      ...more,
    }),
  ),
  fc
    .tuple(fc.constantFrom('volume' as const, 'graduated' as const), tiers, limits)
    .map(([mode, list, more]): PriceTerms => ({ type: 'tiered', mode, tiers: list, ...more })),
);
const discounts: fc.Arbitrary<DiscountTerms> = fc.record({
  percentage: maybe(fc.integer({ min: 0, max: 1_000 }).map((n) => ({ percentage: n / 10 }))),
  usage: maybe(fc.integer({ min: 1, max: 9 }).map((n) => ({ quantity: String(n) }))),
});
const currencies = fc.constantFrom('JPY', 'USD', 'KWD');
/** Halves, so that quantities fall on the ends of tiers, and to both sides of them. */
const quantities = fc.array(fc.integer({ min: 0, max: 70 }), { minLength: 1, maxLength: 6 });

const sumOf = (values: readonly string[]): string =>
  formatQuantity(values.reduce((sum, value) => sum.plus(value), ZERO));

describe('the lines of invoices', () => {
  test('a period costs what its last quantity costs, in however many corrections that became known', () => {
    fc.assert(
      fc.property(usagePrices, discounts, currencies, quantities, (price, terms, currency, halves) => {
        const line = { name: 'calls', price, discounts: terms, correctsId: null };
        const known = halves.map((half) => toQuantity(half).times('0.5'));
        const first = priceInvoiceLine(line, currency, wholeQuantity(known[0]!));
        const corrections = known.slice(1).map((quantity, index) => {
          const preLineQuantity = known[index] as Quantity;
          const late = { quantity: quantity.minus(preLineQuantity), preLineQuantity };
          return priceInvoiceLine({ ...line, correctsId: 'first' }, currency, late);
        });
        const whole = priceInvoiceLine(line, currency, wholeQuantity(known.at(-1)!));
        const totals = [first, ...corrections].map((priced) => priced.totals.total);
        expect(sumOf(totals)).toBe(whole.totals.total);
      }),
      { numRuns: 1_000 },
    );
  });

  test("an invoice's totals are the sums of its lines' and of their components', in whole smallest amounts", () => {
    const line = fc.tuple(usagePrices, discounts, fc.integer({ min: 0, max: 70 }));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), currencies, (lines, currency) => {
        const priced = lines.map(([price, terms, quantity]) => ({
          priced: priceInvoiceLine(
            { name: 'calls', price, discounts: terms, correctsId: null },
            currency,
            wholeQuantity(toQuantity(quantity)),
          ),
        }));
        const totals = invoiceTotals(priced);
        const digits = { JPY: 0, USD: 2, KWD: 3 }[currency];
        for (const field of ['amount', 'chargesTotal', 'discountsTotal', 'total'] as const) {
          expect(totals[field]).toBe(sumOf(priced.map((each) => each.priced.totals[field])));
          const components = priced.flatMap((each) =>
            each.priced.details.map((detail) => detail.totals[field]),
          );
          expect(totals[field]).toBe(sumOf(components));
          expect(toQuantity(totals[field]).decimalPlaces()).toBeLessThanOrEqual(digits);
        }
        const { amount, chargesTotal, discountsTotal, total } = totals;
        expect(formatQuantity(toQuantity(amount).plus(chargesTotal).minus(discountsTotal))).toBe(total);
      }),
    );
  });
});

/** One item whose terms are edited at instants after the start, in an order that only grows. */
const subscriptionOf = (
  edits: readonly number[],
  end: number | null,
  anchor: number,
  cadence: string,
): Subscription => {
  let made = 0;
  const newId = () => {
    made += 1;
    return `id-${made}`;
  };
  const card: RateCard = {
    type: 'usage_based',
    key: 'calls',
    name: 'calls',
    featureKey: 'calls',
    billingCadence: cadence,
    price: { type: 'unit', amount: '1' },
  };
  const subscription: Subscription = {
    id: 'subscription',
    customerId: 'customer',
    plan: { id: 'plan', key: 'plan', version: 1 },
    name: 'plan',
    description: null,
    metadata: {},
    currency: 'USD',
    billingCadence: cadence,
    billingAnchor: anchor,
    isProrated: true,
    phases: [
      {
        id: 'phase',
        key: 'default',
        name: 'default',
        activeFrom: start,
        activeTo: null,
        items: [{ id: 'first', card, featureId: 'calls', entitlementId: null }],
      },
    ],
    activeFrom: start,
    activeTo: end,
    nextLinesAt: start,
    createdAt: start,
    updatedAt: start,
    deletedAt: null,
  };
  const addItem: EditOperation = { op: 'add_item', phaseKey: 'default', rateCard: card };
  const featureIds = new Map([['calls', 'calls']]);
  let edited = subscription;
  for (const at of edits) {
    if (end !== null && at >= end) break;
    edited = { ...edited, phases: editPhases(edited, [addItem], { at, featureIds, newId }) };
  }
  return edited;
};

const offsets = fc.integer({ min: 1, max: 500 * dayMs });
const subscriptions = fc
  .tuple(
    fc.array(offsets, { maxLength: 4 }),
    maybe(offsets),
    fc.integer({ min: -40 * dayMs, max: 40 * dayMs }),
    fc.constantFrom('P1M', 'P1W', 'P3M', 'P1Y'),
  )
  .map(([edits, end, anchor, cadence]) =>
    subscriptionOf(
      edits.sort((a, b) => a - b).map((offset) => start + offset),
      end === undefined ? null : start + end,
      start + anchor,
      cadence,
    ),
  );

describe('the lines of a subscription', () => {
  const until = start + 600 * dayMs;
  const keyOf = ({ origin, period }: Pick<InvoiceLine, 'origin' | 'period'>) =>
    `${origin!.itemId} ${period.from} ${period.to}`;

  /** Every line up to an instant, as the scheduler makes them: some now, the rest when it wakes again. */
  const linesUpTo = (subscription: Subscription, wakes: readonly number[]): SubscriptionLine[] => {
    const lines: SubscriptionLine[] = [];
    let since: number | null = subscription.activeFrom;
    for (const wake of wakes) {
      while (since !== null && since <= wake) {
        const made: ReturnType<typeof subscriptionLines> = subscriptionLines(subscription, since, wake);
        lines.push(...made.lines);
        since = made.nextAt;
      }
    }
    return lines;
  };

  test('split periods sum to the whole: they cover the time in force, each instant once, through edits and ends', () => {
    fc.assert(
      fc.property(subscriptions, (subscription) => {
        const lines = linesUpTo(subscription, [until]).sort((a, b) => a.period.from - b.period.from);
        expect(lines[0]!.period.from).toBe(start);
        lines.slice(1).forEach(({ period }, index) => {
          expect(period.from).toBe(lines[index]!.period.to);
        });
        const last = lines.at(-1)!.period;
        expect(last.from).toBeLessThan(last.to);
        if (subscription.activeTo === null) expect(last.to).toBeGreaterThan(until);
        else expect(last.to).toBe(subscription.activeTo);
        for (const { origin, period, invoiceAt } of lines) {
          const { from, to } = origin!.billingPeriod;
          expect(from <= period.from && period.to <= to && period.to <= invoiceAt).toBe(true);
          const item = subscription.phases[0]!.items.find(({ id }) => id === origin!.itemId)!;
          const span = spanOfItem(subscription, subscription.phases[0]!, item)!;
          expect(period.from >= span.from && (span.to === null || period.to <= span.to)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('waking often, seldom or late makes the same lines', () => {
    const wakes = fc.array(fc.integer({ min: 0, max: 600 * dayMs }), { maxLength: 8 });
    fc.assert(
      fc.property(subscriptions, wakes, (subscription, instants) => {
        const often = [...instants.sort((a, b) => a - b).map((offset) => start + offset), until];
        expect(linesUpTo(subscription, often).map(keyOf).sort()).toEqual(
          linesUpTo(subscription, [until]).map(keyOf).sort(),
        );
      }),
      { numRuns: 200 },
    );
  });
});
