import { formatQuantity, ONE, type Quantity, toQuantity, ZERO } from '../../primitives/decimal';
import { discountsOf, priceOf } from '../plans/rate-card';
import { minorUnitsOf } from '../pricing/currencies';
import { type PricedLine, priceLine, sumTotals, type Totals } from '../pricing/price-line';
import { type InvoiceLine, isMetered, type PricedText, type TotalsText } from './invoice';

/** How much is billed by a line, and how much of its period was billed before. */
export interface LineQuantity {
  quantity: Quantity;
  preLineQuantity: Quantity;
}

/** Prices a line. A line that corrects an earlier one bills what the real quantity changes of the whole period's price. */
export const priceInvoiceLine = (
  line: Pick<InvoiceLine, 'name' | 'price' | 'discounts' | 'correctsId'>,
  currency: string,
  { quantity, preLineQuantity }: LineQuantity,
): PricedText => {
  const isCorrection = line.correctsId !== null;
  const priced = priceLine({
    name: line.name,
    price: priceOf(line.price),
    discounts: discountsOf(line.discounts ?? undefined),
    minorUnits: minorUnitsOf(currency)!,
    quantity: isMetered(line) ? quantity : ONE,
    preLineQuantity,
    isFirstInPeriod: !isCorrection && preLineQuantity.isZero(),
    isLastInPeriod: true,
    isCorrection,
  });
  return textOf(priced);
};

const textOf = ({ detailedLines, usageDiscount, totals }: PricedLine): PricedText => ({
  details: detailedLines.map(({ key, name, category, quantity, perUnitAmount, discounts, totals: sums }) => ({
    key,
    name,
    category,
    quantity: formatQuantity(quantity),
    perUnitAmount: formatQuantity(perUnitAmount),
    discounts: discounts.map(({ reason, amount }) => ({ reason, amount: formatQuantity(amount) })),
    totals: totalsText(sums),
  })),
  usageDiscount: {
    quantity: formatQuantity(usageDiscount.quantity),
    preLineQuantity: formatQuantity(usageDiscount.preLineQuantity),
  },
  totals: totalsText(totals),
});

const totalsText = (totals: Totals): TotalsText => ({
  amount: formatQuantity(totals.amount),
  chargesTotal: formatQuantity(totals.chargesTotal),
  discountsTotal: formatQuantity(totals.discountsTotal),
  total: formatQuantity(totals.total),
});

/** The totals of an invoice: the sums of those of its lines, exact. */
export const invoiceTotals = (lines: readonly Pick<InvoiceLine, 'priced'>[]): TotalsText =>
  totalsText(
    sumTotals(
      lines.map(({ priced }) => ({
        amount: toQuantity(priced?.totals.amount ?? '0'),
        chargesTotal: toQuantity(priced?.totals.chargesTotal ?? '0'),
        discountsTotal: toQuantity(priced?.totals.discountsTotal ?? '0'),
        total: toQuantity(priced?.totals.total ?? '0'),
      })),
    ),
  );

/** The quantity of a line that nothing was billed of before. */
export const wholeQuantity = (quantity: Quantity): LineQuantity => ({ quantity, preLineQuantity: ZERO });
