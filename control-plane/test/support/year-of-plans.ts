import type { NaiveCard, NaiveMeter, NaivePlan } from './naive-billing';

/** Meters by the key of the feature that reads them. */
export const yearMeters: Readonly<Record<string, NaiveMeter>> = {
  calls: { eventType: 'call', aggregation: 'COUNT' },
  tokens: { eventType: 'completion', aggregation: 'SUM' },
  seats: { eventType: 'login', aggregation: 'UNIQUE_COUNT' },
};

const usage = (featureKey: string, price: NaiveCard['price'], more: Partial<NaiveCard> = {}): NaiveCard => ({
  type: 'usage_based',
  key: featureKey,
  name: featureKey,
  featureKey,
  billingCadence: 'P1M',
  price,
  ...more,
});
const fee = (
  amount: string,
  paymentTerm: 'in_advance' | 'in_arrears',
  more: Partial<NaiveCard> = {},
): NaiveCard => ({
  type: 'flat_fee',
  key: 'base',
  name: 'base',
  billingCadence: 'P1M',
  price: { type: 'flat', amount, paymentTerm },
  ...more,
});
const tier = (upToAmount: string | undefined, flat: string | undefined, unit: string | undefined) => ({
  ...(upToAmount === undefined ? {} : { upToAmount }),
  flatPrice: flat === undefined ? null : { type: 'flat' as const, amount: flat },
  unitPrice: unit === undefined ? null : { type: 'unit' as const, amount: unit },
});
const forEver = (cards: NaiveCard[]) => [{ days: null, cards }];

/** Every kind of price, in currencies of none, two and three decimals. */
export const yearPlans: readonly NaivePlan[] = [
  {
    key: 'unit',
    currency: 'USD',
    phases: forEver([fee('19.99', 'in_advance'), usage('calls', { type: 'unit', amount: '0.0375' })]),
  },
  {
    key: 'graduated',
    currency: 'USD',
    phases: forEver([
      usage('calls', {
        type: 'tiered',
        mode: 'graduated',
        tiers: [tier('3', undefined, '0.5'), tier('7', '2.25', '0.333'), tier(undefined, '1', '0.1')],
      }),
      usage('seats', { type: 'unit', amount: '4.5' }, { entitlementTemplate: { type: 'boolean' } }),
    ]),
  },
  {
    key: 'volume',
    currency: 'EUR',
    phases: forEver([
      fee('7', 'in_arrears'),
      usage('tokens', {
        type: 'tiered',
        mode: 'volume',
        tiers: [tier('50.5', '1.5', '0.07'), tier('200', undefined, '0.0555'), tier(undefined, '3', '0.04')],
      }),
    ]),
  },
  {
    key: 'package',
    currency: 'JPY',
    phases: forEver([
      fee('980', 'in_advance'),
      usage('calls', { type: 'package', amount: '150', quantityPerPackage: '4' }),
    ]),
  },
  {
    key: 'limits',
    currency: 'KWD',
    phases: forEver([
      usage('tokens', { type: 'unit', amount: '0.0271', minimumAmount: '1.5', maximumAmount: '6.125' }),
    ]),
  },
  {
    key: 'discounts',
    currency: 'USD',
    phases: forEver([
      fee('49', 'in_advance', { discounts: { percentage: { percentage: 12.5 } } }),
      usage(
        'calls',
        { type: 'unit', amount: '0.25' },
        {
          discounts: { percentage: { percentage: 7.5 }, usage: { quantity: '3' } },
          entitlementTemplate: { type: 'metered', issueAfterReset: 10, isSoftLimit: true },
        },
      ),
    ]),
  },
  {
    key: 'trial',
    currency: 'EUR',
    phases: [
      {
        days: 14,
        cards: [
          fee('25', 'in_advance', { key: 'set-up', name: 'set-up', billingCadence: null }),
          usage('calls', { type: 'unit', amount: '0.01' }),
        ],
      },
      {
        days: null,
        cards: [fee('12', 'in_advance'), usage('calls', { type: 'dynamic', multiplier: '1.2' })],
      },
    ],
  },
];
