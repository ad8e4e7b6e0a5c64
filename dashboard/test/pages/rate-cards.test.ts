import fc from 'fast-check';
import type { EntitlementTemplate, RateCard } from '../../src/pages/plans/plan';
import { newPlan, planBodyOf } from '../../src/pages/plans/plan-draft';
import type { PriceTerms } from '../../src/pages/plans/price';
import { priceWords } from '../../src/pages/plans/price-words';
import { cardDraftOf, newCard, rateCardOf } from '../../src/pages/plans/rate-card-draft';

const amount = fc.integer({ min: 0, max: 1_000_000 }).map((cents) => `${cents}.${cents % 10}5`);
const commitments = fc.record({ minimumAmount: amount, maximumAmount: amount }, { requiredKeys: [] });
const tier = fc.record({
  flatPrice: fc.option(fc.record({ type: fc.constant('flat' as const), amount })),
  unitPrice: fc.option(fc.record({ type: fc.constant('unit' as const), amount })),
});
const price: fc.Arbitrary<PriceTerms | null> = fc.oneof(
  fc.constant(null),
  fc.record({
    type: fc.constant('flat' as const),
    amount,
    paymentTerm: fc.constantFrom('in_advance' as const, 'in_arrears' as const),
  }),
  fc.tuple(amount, commitments).map(([each, more]) => ({ type: 'unit' as const, amount: each, ...more })),
  fc.tuple(amount, amount, commitments).map(([each, size, more]) => ({
    type: 'package' as const,
    amount: each,
    quantityPerPackage: size,
    ...more,
  })),
  fc
    .tuple(amount, commitments)
    .map(([multiplier, more]) => ({ type: 'dynamic' as const, multiplier, ...more })),
  fc
    .tuple(
      fc.array(fc.tuple(tier, amount), { maxLength: 4 }),
      tier,
      fc.constantFrom('volume' as const, 'graduated' as const),
    )
    .map(([tiers, last, mode]) => ({
      type: 'tiered' as const,
      mode,
      tiers: [...tiers.map(([terms, upToAmount]) => ({ upToAmount, ...terms })), last],
    })),
);
const metadata = fc.constant({ region: 'eu' });
const template: fc.Arbitrary<EntitlementTemplate> = fc.oneof(
  fc.record({ type: fc.constant('boolean' as const), metadata }, { requiredKeys: ['type'] }),
  fc.record({ type: fc.constant('static' as const), config: fc.constant('{"a":1}') }),
  fc.record(
    {
      type: fc.constant('metered' as const),
      isSoftLimit: fc.boolean(),
      preserveOverageAtReset: fc.boolean(),
      issueAfterReset: fc.nat(),
      issueAfterResetPriority: fc.integer({ min: 1, max: 255 }),
      usagePeriod: fc.constant('P1M'),
      metadata,
    },
    { requiredKeys: ['type', 'isSoftLimit', 'preserveOverageAtReset'] },
  ),
);
const discounts = fc.oneof(
  fc.record({ percentage: fc.record({ percentage: fc.integer({ min: 0, max: 100 }) }) }),
  fc.record({ usage: fc.record({ quantity: amount }) }),
);
const card = fc.record(
  {
    type: fc.constantFrom('flat_fee' as const, 'usage_based' as const),
    key: fc.constant('api-requests'),
    name: fc.constant('API requests'),
    description: fc.constant('What it is for'),
    metadata,
    featureKey: fc.constant('api-requests'),
    entitlementTemplate: template,
    taxConfig: fc.constant({ behavior: 'exclusive' }),
    discounts,
    billingCadence: fc.constantFrom(null, 'P1M', 'P1Y'),
    price,
  },
  { requiredKeys: ['type', 'key', 'name', 'billingCadence', 'price'] },
) as fc.Arbitrary<RateCard>;

describe('the rate-card editor', () => {
  test('changes nothing of a card that is opened and saved, whatever it holds', () => {
    fc.assert(fc.property(card, (given) => expect(rateCardOf(cardDraftOf(given))).toEqual(given)));
  });

  test('names a card after its feature unless told', () => {
    const draft = { ...newCard('usage_based', 'P1M'), featureKey: 'active-users', amount: '12' };
    expect(rateCardOf(draft)).toMatchObject({
      key: 'active-users',
      name: 'active-users',
      price: { type: 'unit', amount: '12' },
    });
  });

  test('writes no end for the last phase, whatever was typed before', () => {
    const draft = newPlan();
    const { phases } = planBodyOf({
      ...draft,
      phases: [draft.phases[0]!, { ...draft.phases[0]!, key: 'later' }],
    });
    expect(phases.map(({ duration }) => duration)).toEqual(['P1M', null]);
  });
});

describe('prices in words', () => {
  test.each<[PriceTerms | null, string]>([
    [null, 'free'],
    [{ type: 'flat', amount: '49' }, '$49.00 in advance'],
    [{ type: 'unit', amount: '0.0005', minimumAmount: '10' }, '$0.0005 per unit, at least $10.00'],
    [{ type: 'package', amount: '3', quantityPerPackage: '100000' }, '$3.00 per 100,000 begun'],
    [
      {
        type: 'tiered',
        mode: 'graduated',
        tiers: [
          { upToAmount: '1000', flatPrice: null, unitPrice: null },
          { flatPrice: { type: 'flat', amount: '5' }, unitPrice: { type: 'unit', amount: '0.1' } },
        ],
      },
      'graduated: up to 1,000 free; above 1,000 $5.00 plus $0.10 each',
    ],
    [{ type: 'dynamic', multiplier: '1.2' }, 'the metered amount × 1.2'],
  ])('%j', (terms, words) => {
    expect(priceWords(terms, 'USD')).toBe(words);
  });
});
