import { ONE, type Quantity, ZERO } from '../../primitives/decimal';
import { roundAmount } from './currencies';
import type { Discounts, Price } from './price';
import { type PeriodPoint, rateUpTo } from './rate';

export interface LineInput {
  /** What the line is called on the invoice; its components extend the name. */
  readonly name: string;
  readonly price: Price;
  readonly discounts?: Discounts | undefined;
  /** Decimals of the currency, from minorUnitsOf. */
  readonly minorUnits: number;
  /** Metered from the start of the period to the start of the line; zero for the first. */
  readonly preLineQuantity: Quantity;
  /** Metered within the line; may be negative when corrections outweigh usage. */
  readonly quantity: Quantity;
  readonly isFirstInPeriod: boolean;
  readonly isLastInPeriod: boolean;
  /**
   * The period was billed to its end before, with `preLineQuantity`; the line is what its real quantity changes. A minimum
   * that was charged then is not charged again.
   */
  readonly isCorrection?: boolean | undefined;
}

/** amount + chargesTotal - discountsTotal = total; all are multiples of the currency's smallest amount. */
export interface Totals {
  readonly amount: Quantity;
  /** What a minimum amount adds. */
  readonly chargesTotal: Quantity;
  readonly discountsTotal: Quantity;
  readonly total: Quantity;
}

export interface AmountDiscount {
  readonly reason: 'ratecard_percentage' | 'maximum_spend';
  readonly amount: Quantity;
}

export interface DetailedLine {
  /** OpenMeter's childUniqueReferenceID. */
  readonly key: string;
  readonly name: string;
  readonly category: 'regular' | 'commitment';
  readonly quantity: Quantity;
  readonly perUnitAmount: Quantity;
  readonly discounts: readonly AmountDiscount[];
  readonly totals: Totals;
}

export interface PricedLine {
  readonly detailedLines: readonly DetailedLine[];
  /** How much of the line's quantity the usage discount made free, and of the quantity before it. */
  readonly usageDiscount: { readonly quantity: Quantity; readonly preLineQuantity: Quantity };
  readonly totals: Totals;
}

/**
 * Prices one line of a billing period, exactly. Everything, rounding included, is computed for the period up to the line's
 * end and up to its start, and the line is the difference. So the lines of a period that is billed in parts add up to what
 * one line would have cost, to the smallest amount; a part's amount can differ from its own quantity x price by one such.
 *
 * Order of the steps, as in OpenMeter's billing/rating/service/mutator: free quantity off the usage; price; percentage off
 * each amount; cut at the maximum; raise to the minimum, at the period's end.
 */
export function priceLine(input: LineInput): PricedLine {
  const { preLineQuantity, isFirstInPeriod, isLastInPeriod } = input;
  if (isFirstInPeriod && !preLineQuantity.isZero()) {
    throw new RangeError('before the first line of a period there is no quantity');
  }
  const endQuantity = preLineQuantity.plus(input.quantity);
  const [freeBefore, freeAtEnd] = [freeQuantity(input, preLineQuantity), freeQuantity(input, endQuantity)];
  const before = isFirstInPeriod
    ? []
    : dueUpTo(input, {
        quantity: net(preLineQuantity, freeBefore),
        hasStarted: true,
        hasEnded: input.isCorrection ?? false,
      });
  const atEnd = dueUpTo(input, {
    quantity: net(endQuantity, freeAtEnd),
    hasStarted: true,
    hasEnded: isLastInPeriod,
  });
  const detailedLines = subtract(atEnd, before, input.name);
  return {
    detailedLines,
    usageDiscount: { quantity: freeAtEnd.minus(freeBefore), preLineQuantity: freeBefore },
    totals: sumTotals(detailedLines.map(({ totals }) => totals)),
  };
}

/** The totals of several lines, or of several invoices' lines, in one currency. */
export function sumTotals(list: readonly Totals[]): Totals {
  const sum = (field: keyof Totals): Quantity =>
    list.reduce((total, totals) => total.plus(totals[field]), ZERO);
  return {
    amount: sum('amount'),
    chargesTotal: sum('chargesTotal'),
    discountsTotal: sum('discountsTotal'),
    total: sum('total'),
  };
}

/** One component of what is due up to a point, rounded. */
interface DueLine {
  readonly key: string;
  readonly description: string;
  readonly category: 'regular' | 'commitment';
  readonly quantity: Quantity;
  readonly perUnitAmount: Quantity;
  readonly isMoney: boolean;
  readonly amount: Quantity;
  readonly percentageDiscount: Quantity;
  readonly maximumSpendDiscount: Quantity;
}

function dueUpTo({ price, discounts, minorUnits }: LineInput, point: PeriodPoint): DueLine[] {
  const round = (amount: Quantity): Quantity => roundAmount(amount, minorUnits);
  const share = (discounts?.percentage ?? ZERO).times('0.01');
  const { minimumAmount, maximumAmount } = price.type === 'flat' ? {} : price;
  let sum: Quantity = ZERO;
  const lines = rateUpTo(price, point).map((line): DueLine => {
    const amount = round(line.quantity.times(line.perUnitAmount));
    const percentageDiscount = round(amount.times(share));
    const wanted = amount.minus(percentageDiscount);
    const left = maximumAmount === undefined ? wanted : round(maximumAmount).minus(sum);
    const allowed = wanted.lessThan(left) ? wanted : left;
    sum = sum.plus(allowed);
    const maximumSpendDiscount = wanted.minus(allowed);
    return { isMoney: false, ...line, category: 'regular', amount, percentageDiscount, maximumSpendDiscount };
  });
  const missing = point.hasEnded && minimumAmount !== undefined ? round(minimumAmount).minus(sum) : ZERO;
  return missing.greaterThan(ZERO) ? [...lines, minimumSpend(missing)] : lines;
}

function minimumSpend(amount: Quantity): DueLine {
  return {
    key: 'min-spend',
    description: 'minimum spend',
    category: 'commitment',
    quantity: ONE,
    perUnitAmount: amount,
    isMoney: false,
    amount,
    percentageDiscount: ZERO,
    maximumSpendDiscount: ZERO,
  };
}

/** What became due between two points, component by component; what did not change is left out. */
function subtract(atEnd: readonly DueLine[], before: readonly DueLine[], name: string): DetailedLine[] {
  const earlier = new Map(before.map((line) => [line.key, line]));
  const later = new Set(atEnd.map(({ key }) => key));
  // A component disappears when corrections take usage back out of its tier; the line then gives it back.
  const withdrawn = before
    .filter(({ key }) => !later.has(key))
    .map((line): [DueLine, DueLine] => [zeroOf(line), line]);
  const changed = atEnd.map((line): [DueLine, DueLine] => [line, earlier.get(line.key) ?? zeroOf(line)]);
  return [...changed, ...withdrawn].flatMap(([line, previous]) => {
    const detailed = detail(line, previous, name);
    const { amount, chargesTotal, discountsTotal } = detailed.totals;
    const isEmpty = [detailed.quantity, amount, chargesTotal, discountsTotal].every((value) =>
      value.isZero(),
    );
    return isEmpty ? [] : [detailed];
  });
}

function zeroOf(line: DueLine): DueLine {
  return { ...line, quantity: ZERO, amount: ZERO, percentageDiscount: ZERO, maximumSpendDiscount: ZERO };
}

function detail(line: DueLine, previous: DueLine, name: string): DetailedLine {
  const due = line.amount.minus(previous.amount);
  const quantity = line.quantity.minus(previous.quantity);
  const discounts: AmountDiscount[] = [
    {
      reason: 'ratecard_percentage' as const,
      amount: line.percentageDiscount.minus(previous.percentageDiscount),
    },
    {
      reason: 'maximum_spend' as const,
      amount: line.maximumSpendDiscount.minus(previous.maximumSpendDiscount),
    },
  ].filter(({ amount }) => !amount.isZero());
  const discountsTotal = discounts.reduce((sum, { amount }) => sum.plus(amount), ZERO);
  const isCharge = line.category === 'commitment';
  return {
    key: line.key,
    name: line.description === '' ? name : `${name}: ${line.description}`,
    category: line.category,
    quantity: line.isMoney && !quantity.isZero() ? ONE : quantity,
    perUnitAmount: line.isMoney ? due : line.perUnitAmount,
    discounts,
    totals: {
      amount: isCharge ? ZERO : due,
      chargesTotal: isCharge ? due : ZERO,
      discountsTotal,
      total: due.minus(discountsTotal),
    },
  };
}

function freeQuantity({ discounts }: LineInput, quantity: Quantity): Quantity {
  const free = discounts?.usageQuantity ?? ZERO;
  if (!quantity.greaterThan(ZERO)) return ZERO;
  return quantity.lessThan(free) ? quantity : free;
}

/** Corrections may make a meter negative; a period's usage is never billed below zero. */
function net(quantity: Quantity, free: Quantity): Quantity {
  const rest = quantity.minus(free);
  return rest.greaterThan(ZERO) ? rest : ZERO;
}
