import { isDeepStrictEqual } from 'node:util';
import { toQuantity } from '../../primitives/decimal';
import type { Discounts, Price } from '../pricing/price';

/** A decimal number as text: amounts of money and quantities as they are stored and shown. */
type DecimalText = string;

interface CommitmentTerms {
  minimumAmount?: DecimalText | undefined;
  maximumAmount?: DecimalText | undefined;
}

export interface FlatTerms {
  type: 'flat';
  amount: DecimalText;
  /** In advance unless given. */
  paymentTerm?: 'in_advance' | 'in_arrears' | undefined;
}

export interface TierTerms {
  /** Where the tier ends, inclusive; absent for the last. */
  upToAmount?: DecimalText | undefined;
  flatPrice: { type: 'flat'; amount: DecimalText } | null;
  unitPrice: { type: 'unit'; amount: DecimalText } | null;
}

/** A price as contracts state it, in OpenMeter's shape; `priceOf` makes it one to compute with. */
export type PriceTerms =
  | FlatTerms
  | ({ type: 'unit'; amount: DecimalText } & CommitmentTerms)
  | ({ type: 'tiered'; mode: 'volume' | 'graduated'; tiers: TierTerms[] } & CommitmentTerms)
  | ({ type: 'package'; amount: DecimalText; quantityPerPackage: DecimalText } & CommitmentTerms)
  | ({ type: 'dynamic'; multiplier?: DecimalText | undefined } & CommitmentTerms);

export interface DiscountTerms {
  /** 0 to 100, off every amount. */
  percentage?: { percentage: number } | undefined;
  /** How much of each period's quantity is free. */
  usage?: { quantity: DecimalText } | undefined;
}

/** The entitlement that a subscription makes of a rate card. */
export type EntitlementTemplate =
  | {
      type: 'metered';
      metadata?: Record<string, string> | undefined;
      isSoftLimit?: boolean | undefined;
      issueAfterReset?: number | undefined;
      issueAfterResetPriority?: number | undefined;
      preserveOverageAtReset?: boolean | undefined;
      /** ISO 8601 duration; the billing cadence unless given. */
      usagePeriod?: string | undefined;
    }
  | { type: 'static'; metadata?: Record<string, string> | undefined; config: string }
  | { type: 'boolean'; metadata?: Record<string, string> | undefined };

/** One line of a plan: a price for a feature or a fee, and what the customer is entitled to for it. */
export interface RateCard {
  type: 'flat_fee' | 'usage_based';
  key: string;
  name: string;
  description?: string | undefined;
  metadata?: Record<string, string> | undefined;
  featureKey?: string | undefined;
  entitlementTemplate?: EntitlementTemplate | undefined;
  taxConfig?: Record<string, unknown> | undefined;
  /** ISO 8601 duration; null for a fee that is due once. */
  billingCadence: string | null;
  /** Null where it is free. */
  price: PriceTerms | null;
  discounts?: DiscountTerms | undefined;
}

/** The terms as exact numbers. */
export const priceOf = (terms: PriceTerms): Price => {
  if (terms.type === 'flat') {
    return { type: 'flat', amount: toQuantity(terms.amount), paymentTerm: terms.paymentTerm ?? 'in_advance' };
  }
  const commitments = {
    minimumAmount: optional(terms.minimumAmount),
    maximumAmount: optional(terms.maximumAmount),
  };
  switch (terms.type) {
    case 'unit':
      return { type: 'unit', amount: toQuantity(terms.amount), ...commitments };
    case 'package':
      return {
        type: 'package',
        amount: toQuantity(terms.amount),
        quantityPerPackage: toQuantity(terms.quantityPerPackage),
        ...commitments,
      };
    case 'dynamic':
      return { type: 'dynamic', multiplier: toQuantity(terms.multiplier ?? '1'), ...commitments };
    case 'tiered':
      return {
        type: 'tiered',
        mode: terms.mode,
        tiers: terms.tiers.map(({ upToAmount, flatPrice, unitPrice }) => ({
          upTo: optional(upToAmount),
          flatAmount: optional(flatPrice?.amount),
          unitAmount: optional(unitPrice?.amount),
        })),
        ...commitments,
      };
  }
};

/** The discounts as exact numbers. */
export const discountsOf = (terms: DiscountTerms | undefined): Discounts => ({
  percentage: terms?.percentage ? toQuantity(terms.percentage.percentage) : undefined,
  usageQuantity: optional(terms?.usage?.quantity),
});

const optional = (text: DecimalText | undefined) => (text === undefined ? undefined : toQuantity(text));

/** Whether two terms say the same; the order of their members does not matter, storage has one of its own. */
export const areSameTerms = (a: object, b: object): boolean =>
  isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));
