import type { Quantity } from '../../primitives/decimal';

/** What must be paid at least and at most for a period, whatever the usage; amounts in the currency. */
export interface Commitments {
  readonly minimumAmount?: Quantity | undefined;
  readonly maximumAmount?: Quantity | undefined;
}

/** The same amount each period. */
export interface FlatPrice {
  readonly type: 'flat';
  readonly amount: Quantity;
  readonly paymentTerm: 'in_advance' | 'in_arrears';
}

export interface UnitPrice extends Commitments {
  readonly type: 'unit';
  readonly amount: Quantity;
}

export interface PriceTier {
  /** The quantity at which the tier ends, inclusive; undefined for the last one, which has no end. */
  readonly upTo?: Quantity | undefined;
  readonly flatAmount?: Quantity | undefined;
  readonly unitAmount?: Quantity | undefined;
}

export interface TieredPrice extends Commitments {
  readonly type: 'tiered';
  /** volume: the tier of the period's whole quantity prices all of it; graduated: each tier prices what falls into it. */
  readonly mode: 'volume' | 'graduated';
  /** Ascending; the last is open. */
  readonly tiers: readonly PriceTier[];
}

/** Each package that is begun is paid in full. */
export interface PackagePrice extends Commitments {
  readonly type: 'package';
  readonly amount: Quantity;
  readonly quantityPerPackage: Quantity;
}

/** The metered quantity is an amount of money already; it is multiplied. */
export interface DynamicPrice extends Commitments {
  readonly type: 'dynamic';
  readonly multiplier: Quantity;
}

/** The prices of OpenMeter's RateCardUsageBasedPrice, in domain types. */
export type Price = FlatPrice | UnitPrice | TieredPrice | PackagePrice | DynamicPrice;

export interface Discounts {
  /** 0 to 100, off every amount of the line. */
  readonly percentage?: Quantity | undefined;
  /** How much of each period's quantity is free. */
  readonly usageQuantity?: Quantity | undefined;
}

export interface PriceProblem {
  /** The path below the price, e.g. "tiers[1].upTo". */
  readonly field: string;
  /** What is wrong and what would be right. */
  readonly message: string;
}

/** What makes a price impossible to bill by; empty when it is sound. */
export function problemsOfPrice(price: Price): PriceProblem[] {
  const negative = (fields: Record<string, Quantity | undefined>): PriceProblem[] =>
    Object.entries(fields)
      .filter(([, value]) => value?.lessThan(0))
      .map(([field]) => ({ field, message: 'must be zero or more' }));
  if (price.type === 'flat') return negative({ amount: price.amount });
  const problems = negative({ minimumAmount: price.minimumAmount, maximumAmount: price.maximumAmount });
  if (price.minimumAmount && price.maximumAmount?.lessThan(price.minimumAmount)) {
    problems.push({ field: 'maximumAmount', message: 'must be at least minimumAmount' });
  }
  if (price.type === 'dynamic') return [...problems, ...negative({ multiplier: price.multiplier })];
  if (price.type === 'tiered') return [...problems, ...problemsOfTiers(price.tiers)];
  if (price.type === 'package' && !price.quantityPerPackage.greaterThan(0)) {
    problems.push({ field: 'quantityPerPackage', message: 'must be more than zero' });
  }
  return [...problems, ...negative({ amount: price.amount })];
}

/** What makes discounts impossible to apply to a price; empty when they are sound. */
export function problemsOfDiscounts({ percentage, usageQuantity }: Discounts, price: Price): PriceProblem[] {
  const problems: PriceProblem[] = [];
  if (percentage !== undefined && (percentage.lessThan(0) || percentage.greaterThan(100))) {
    problems.push({ field: 'percentage', message: 'must be from 0 to 100' });
  }
  if (usageQuantity !== undefined && !usageQuantity.greaterThan(0)) {
    problems.push({ field: 'usageQuantity', message: 'must be more than zero' });
  }
  if (usageQuantity !== undefined && price.type === 'flat') {
    problems.push({ field: 'usageQuantity', message: 'must be left out: a flat price has no usage' });
  }
  return problems;
}

function problemsOfTiers(tiers: readonly PriceTier[]): PriceProblem[] {
  const problems: PriceProblem[] = [];
  if (tiers.length === 0) problems.push({ field: 'tiers', message: 'must hold at least one tier' });
  tiers.forEach(({ upTo, flatAmount, unitAmount }, index) => {
    const report = (field: string, message: string): void => {
      problems.push({ field: `tiers[${index}]${field}`, message });
    };
    const isLast = index === tiers.length - 1;
    if (isLast && upTo !== undefined) report('.upTo', 'must be left out: the last tier is open-ended');
    if (!isLast && upTo === undefined) report('.upTo', 'is needed: only the last tier is open-ended');
    if (!isLast && upTo && !upTo.greaterThan(tiers[index - 1]?.upTo ?? 0)) {
      report('.upTo', 'must be more than that of the tier before');
    }
    if (!flatAmount && !unitAmount) report('', 'needs a flat amount or a unit amount');
    if (flatAmount?.lessThan(0)) report('.flatAmount', 'must be zero or more');
    if (unitAmount?.lessThan(0)) report('.unitAmount', 'must be zero or more');
  });
  return problems;
}
