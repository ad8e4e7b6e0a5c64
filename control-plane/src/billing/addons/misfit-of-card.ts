import type { RateCard } from '../plans/rate-card';

/**
 * What keeps an add-on's rate card from being put on a plan's one of the same key; undefined where they fit. Flat fees and
 * allowances add up; a price by usage and a static value stand on one side only.
 */
export const misfitOf = (base: RateCard, added: RateCard): string | undefined => {
  if (base.featureKey !== added.featureKey) return 'is for another feature than the rate card of the plan';
  if (base.price && added.price) {
    const areFlat = base.price.type === 'flat' && added.price.type === 'flat';
    if (!areFlat) return 'has a price by usage, as one of the two cards has; only flat fees add up';
    if (base.billingCadence !== added.billingCadence)
      return 'has another billingCadence than the rate card of the plan';
  }
  const [template, more] = [base.entitlementTemplate, added.entitlementTemplate];
  if (template && more && template.type !== more.type)
    return `has an entitlementTemplate of type "${more.type}", the plan's is "${template.type}"`;
  if (template?.type === 'static' && more)
    return 'has a static entitlementTemplate, as the rate card of the plan';
  return undefined;
};
