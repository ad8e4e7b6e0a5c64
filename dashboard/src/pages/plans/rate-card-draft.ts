import type { EntitlementTemplate, RateCard } from './plan';
import type { PriceTerms, PriceType, Tier } from './price';

/** A rate card as it is typed: all figures are text, and what a price type does not use is kept while it is chosen. */
export interface CardDraft {
  type: RateCard['type'];
  key: string;
  name: string;
  featureKey: string;
  /** Empty for a fee that is paid once. */
  billingCadence: string;
  priceType: PriceType | 'free';
  amount: string;
  paymentTerm: 'in_advance' | 'in_arrears';
  mode: 'volume' | 'graduated';
  tiers: TierDraft[];
  quantityPerPackage: string;
  multiplier: string;
  minimum: string;
  maximum: string;
  discountPercent: string;
  discountUsage: string;
  entitlement: EntitlementTemplate['type'] | 'none';
  issueAfterReset: string;
  isSoftLimit: boolean;
  preserveOverage: boolean;
  usagePeriod: string;
  config: string;
  /** What the editor does not show and must not lose. */
  kept: Pick<RateCard, 'description' | 'metadata' | 'taxConfig'>;
  keptTemplate: { metadata?: Record<string, string>; issueAfterResetPriority?: number };
}

export interface TierDraft {
  upTo: string;
  flat: string;
  unit: string;
}

/** What an editor of a part of a rate card is given. */
export interface CardPartProps {
  card: CardDraft;
  /** JSONPath of the rate card in the plan. */
  path: string;
  change: (changes: Partial<CardDraft>) => void;
}

export const newCard = (type: RateCard['type'], billingCadence: string): CardDraft => ({
  type,
  key: '',
  name: '',
  featureKey: '',
  billingCadence,
  priceType: type === 'flat_fee' ? 'flat' : 'unit',
  amount: '',
  paymentTerm: 'in_advance',
  mode: 'graduated',
  tiers: [
    { upTo: '1000', flat: '', unit: '' },
    { upTo: '', flat: '', unit: '' },
  ],
  quantityPerPackage: '',
  multiplier: '1',
  minimum: '',
  maximum: '',
  discountPercent: '',
  discountUsage: '',
  entitlement: 'none',
  issueAfterReset: '',
  isSoftLimit: false,
  preserveOverage: false,
  usagePeriod: '',
  config: '{}',
  kept: {},
  keptTemplate: {},
});

const tierDraftOf = ({ upToAmount, flatPrice, unitPrice }: Tier): TierDraft => ({
  upTo: upToAmount ?? '',
  flat: flatPrice?.amount ?? '',
  unit: unitPrice?.amount ?? '',
});

const priceDraftOf = (price: PriceTerms | null): Partial<CardDraft> => {
  if (price === null) return { priceType: 'free' };
  const commitments =
    price.type === 'flat' ? {} : { minimum: price.minimumAmount ?? '', maximum: price.maximumAmount ?? '' };
  switch (price.type) {
    case 'flat':
      return { priceType: 'flat', amount: price.amount, paymentTerm: price.paymentTerm ?? 'in_advance' };
    case 'unit':
      return { priceType: 'unit', amount: price.amount, ...commitments };
    case 'tiered':
      return { priceType: 'tiered', mode: price.mode, tiers: price.tiers.map(tierDraftOf), ...commitments };
    case 'package':
      return {
        priceType: 'package',
        amount: price.amount,
        quantityPerPackage: price.quantityPerPackage,
        ...commitments,
      };
    case 'dynamic':
      return { priceType: 'dynamic', multiplier: price.multiplier ?? '1', ...commitments };
  }
};

const templateDraftOf = (template: EntitlementTemplate | undefined): Partial<CardDraft> => {
  if (!template) return { entitlement: 'none' };
  const { metadata, issueAfterResetPriority } = template as CardDraft['keptTemplate'];
  const keptTemplate = {
    ...(metadata ? { metadata } : {}),
    ...(issueAfterResetPriority === undefined ? {} : { issueAfterResetPriority }),
  };
  if (template.type === 'boolean') return { entitlement: 'boolean', keptTemplate };
  if (template.type === 'static') return { entitlement: 'static', config: template.config, keptTemplate };
  return {
    entitlement: 'metered',
    issueAfterReset: template.issueAfterReset === undefined ? '' : String(template.issueAfterReset),
    isSoftLimit: template.isSoftLimit ?? false,
    preserveOverage: template.preserveOverageAtReset ?? false,
    usagePeriod: template.usagePeriod ?? '',
    keptTemplate,
  };
};

/** A rate card of the API as a draft. */
export const cardDraftOf = (card: RateCard): CardDraft => ({
  ...newCard(card.type, card.billingCadence ?? ''),
  key: card.key,
  name: card.name,
  featureKey: card.featureKey ?? '',
  ...priceDraftOf(card.price),
  ...templateDraftOf(card.entitlementTemplate),
  discountPercent: card.discounts?.percentage ? String(card.discounts.percentage.percentage) : '',
  discountUsage: card.discounts?.usage?.quantity ?? '',
  kept: {
    ...(card.description === undefined ? {} : { description: card.description }),
    ...(card.metadata === undefined ? {} : { metadata: card.metadata }),
    ...(card.taxConfig === undefined ? {} : { taxConfig: card.taxConfig }),
  },
});

const tierOf = ({ upTo, flat, unit }: TierDraft): Tier => ({
  ...(upTo === '' ? {} : { upToAmount: upTo }),
  flatPrice: flat === '' ? null : { type: 'flat', amount: flat },
  unitPrice: unit === '' ? null : { type: 'unit', amount: unit },
});

const priceOf = (draft: CardDraft): PriceTerms | null => {
  const commitments = {
    ...(draft.minimum === '' ? {} : { minimumAmount: draft.minimum }),
    ...(draft.maximum === '' ? {} : { maximumAmount: draft.maximum }),
  };
  switch (draft.priceType) {
    case 'free':
      return null;
    case 'flat':
      return { type: 'flat', amount: draft.amount, paymentTerm: draft.paymentTerm };
    case 'unit':
      return { type: 'unit', amount: draft.amount, ...commitments };
    case 'tiered':
      return { type: 'tiered', mode: draft.mode, tiers: draft.tiers.map(tierOf), ...commitments };
    case 'package':
      return {
        type: 'package',
        amount: draft.amount,
        quantityPerPackage: draft.quantityPerPackage,
        ...commitments,
      };
    case 'dynamic':
      return { type: 'dynamic', multiplier: draft.multiplier, ...commitments };
  }
};

const templateOf = (draft: CardDraft): EntitlementTemplate | undefined => {
  switch (draft.entitlement) {
    case 'none':
      return undefined;
    case 'boolean':
      return { type: 'boolean', ...draft.keptTemplate };
    case 'static':
      return { type: 'static', config: draft.config, ...draft.keptTemplate };
    case 'metered':
      return {
        type: 'metered',
        isSoftLimit: draft.isSoftLimit,
        preserveOverageAtReset: draft.preserveOverage,
        ...(draft.issueAfterReset === '' ? {} : { issueAfterReset: Number(draft.issueAfterReset) }),
        ...(draft.usagePeriod === '' ? {} : { usagePeriod: draft.usagePeriod }),
        ...draft.keptTemplate,
      };
  }
};

/** A draft as the API takes it. A card for a feature goes by the feature's key unless it has one of its own. */
export const rateCardOf = (draft: CardDraft): RateCard => {
  const key = draft.key || draft.featureKey;
  const template = templateOf(draft);
  const discounts = {
    ...(draft.discountPercent === '' ? {} : { percentage: { percentage: Number(draft.discountPercent) } }),
    ...(draft.discountUsage === '' ? {} : { usage: { quantity: draft.discountUsage } }),
  };
  return {
    type: draft.type,
    key,
    name: draft.name || key,
    ...draft.kept,
    ...(draft.featureKey === '' ? {} : { featureKey: draft.featureKey }),
    ...(template ? { entitlementTemplate: template } : {}),
    ...(Object.keys(discounts).length > 0 ? { discounts } : {}),
    billingCadence: draft.billingCadence === '' ? null : draft.billingCadence,
    price: priceOf(draft),
  };
};
