import { moneyText, quantityText } from '../../format/quantity';
import type { PriceTerms, Tier } from './price';

const isNothing = (amount: string): boolean => !/[1-9]/.test(amount);

const tierWords = (tier: Tier, from: string, currency: string): string => {
  const flat = tier.flatPrice?.amount ?? '0';
  const each = tier.unitPrice?.amount ?? '0';
  const parts = [
    isNothing(flat) ? '' : moneyText(flat, currency),
    isNothing(each) ? '' : `${moneyText(each, currency)} each`,
  ].filter(Boolean);
  const range =
    tier.upToAmount === undefined ? `above ${quantityText(from)}` : `up to ${quantityText(tier.upToAmount)}`;
  return `${range} ${parts.join(' plus ') || 'free'}`;
};

const baseWords = (price: PriceTerms, currency: string): string => {
  switch (price.type) {
    case 'flat':
      return `${moneyText(price.amount, currency)} ${price.paymentTerm === 'in_arrears' ? 'in arrears' : 'in advance'}`;
    case 'unit':
      return `${moneyText(price.amount, currency)} per unit`;
    case 'tiered': {
      const tiers = price.tiers.map((tier, index) =>
        tierWords(tier, price.tiers[index - 1]?.upToAmount ?? '0', currency),
      );
      return `${price.mode}: ${tiers.join('; ')}`;
    }
    case 'package':
      return `${moneyText(price.amount, currency)} per ${quantityText(price.quantityPerPackage)} begun`;
    case 'dynamic':
      return `the metered amount × ${quantityText(price.multiplier ?? '1')}`;
  }
};

/** A price in words: "$0.05 per unit, at least $10.00". */
export const priceWords = (price: PriceTerms | null, currency: string): string => {
  if (price === null) return 'free';
  const { minimumAmount, maximumAmount } = { minimumAmount: undefined, maximumAmount: undefined, ...price };
  return [
    baseWords(price, currency),
    minimumAmount === undefined ? '' : `at least ${moneyText(minimumAmount, currency)}`,
    maximumAmount === undefined ? '' : `at most ${moneyText(maximumAmount, currency)}`,
  ]
    .filter(Boolean)
    .join(', ');
};
