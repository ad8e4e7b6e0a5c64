import { ONE, type Quantity, ZERO } from '../../primitives/decimal';
import type { PackagePrice, Price, PriceTier } from './price';

/** How far a period has come. */
export interface PeriodPoint {
  /** The quantity from the start of the period to here, usage discount taken off. */
  readonly quantity: Quantity;
  /** Whether what is due at the period's start is due; false before the first line only. */
  readonly hasStarted: boolean;
  /** Whether what is due at the period's end is due. */
  readonly hasEnded: boolean;
}

/** One component of what is due, not rounded and before discounts: quantity x per-unit amount. */
export interface RatedLine {
  /** OpenMeter's childUniqueReferenceID: the same for the same component in every line of a period. */
  readonly key: string;
  readonly description: string;
  readonly quantity: Quantity;
  readonly perUnitAmount: Quantity;
  /** Whether the quantity is itself money, so that a line states one item of its amount. */
  readonly isMoney?: boolean;
}

/**
 * All that is due from the start of a period up to a point of it. A line of the period is the difference of two points
 * (price-line.ts), so whatever way a period is split, its lines add up to the whole.
 *
 * Rules of OpenMeter's billing/rating: a volume price is known at the period's end only and bills the first tier's flat
 * amount for no usage too; a graduated price bills the first tier's flat amount from the start and others once usage
 * enters the tier; a tier's upper end belongs to it.
 */
export function rateUpTo(price: Price, point: PeriodPoint): RatedLine[] {
  const { quantity, hasStarted, hasEnded } = point;
  switch (price.type) {
    case 'flat':
      return (price.paymentTerm === 'in_advance' ? hasStarted : hasEnded)
        ? [{ key: 'flat-price', description: '', quantity: ONE, perUnitAmount: price.amount }]
        : [];
    case 'unit':
      return usageLine('unit-price-usage', 'usage in period', quantity, price.amount);
    case 'package':
      return usageLine('usage', 'usage in period', packagesOf(price, quantity), price.amount);
    case 'dynamic':
      return usageLine('usage', 'usage in period', quantity, price.multiplier).map((line) => ({
        ...line,
        isMoney: true,
      }));
    case 'tiered':
      if (price.mode === 'volume') return hasEnded ? rateVolume(price.tiers, quantity) : [];
      return rateGraduated(price.tiers, quantity, hasStarted);
  }
}

function usageLine(
  key: string,
  description: string,
  quantity: Quantity,
  perUnitAmount: Quantity,
): RatedLine[] {
  return quantity.isZero() ? [] : [{ key, description, quantity, perUnitAmount }];
}

function packagesOf({ quantityPerPackage }: PackagePrice, quantity: Quantity): Quantity {
  // Not quantity / size rounded up: a quotient is rounded to the precision first, and might lose a package by it.
  const whole = quantity.divToInt(quantityPerPackage);
  return whole.times(quantityPerPackage).lessThan(quantity) ? whole.plus(ONE) : whole;
}

function rateVolume(tiers: readonly PriceTier[], quantity: Quantity): RatedLine[] {
  const index = tiers.findIndex(({ upTo }) => upTo === undefined || quantity.lessThanOrEqualTo(upTo));
  const tier = tiers[index];
  if (tier === undefined) throw new RangeError('a tiered price must end with an open tier');
  const number = index + 1;
  return [
    ...flatLine('volume-flat-price', number, tier),
    ...(tier.unitAmount === undefined
      ? []
      : usageLine('volume-tiered-price', `unit price for tier ${number}`, quantity, tier.unitAmount)),
  ];
}

/** Flat amounts stand before the tier's usage: the order in which they fall due, which a maximum amount follows. */
function rateGraduated(tiers: readonly PriceTier[], quantity: Quantity, hasStarted: boolean): RatedLine[] {
  const lines: RatedLine[] = [];
  let tierFrom: Quantity = ZERO;
  tiers.forEach((tier, index) => {
    const number = index + 1;
    const isEntered = quantity.greaterThan(tierFrom);
    if (index === 0 ? hasStarted : isEntered)
      lines.push(...flatLine(`graduated-tiered-${number}-flat-price`, number, tier));
    if (isEntered && tier.unitAmount !== undefined) {
      const end = tier.upTo === undefined || quantity.lessThan(tier.upTo) ? quantity : tier.upTo;
      const description = `usage price for tier ${number}`;
      lines.push(
        ...usageLine(
          `graduated-tiered-${number}-price-usage`,
          description,
          end.minus(tierFrom),
          tier.unitAmount,
        ),
      );
    }
    tierFrom = tier.upTo ?? quantity;
  });
  return lines;
}

function flatLine(key: string, tierNumber: number, { flatAmount }: PriceTier): RatedLine[] {
  if (flatAmount === undefined) return [];
  return [
    { key, description: `flat price for tier ${tierNumber}`, quantity: ONE, perUnitAmount: flatAmount },
  ];
}
