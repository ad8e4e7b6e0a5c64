import type { Plan, PlanPhase } from './plan';
import { type CardDraft, cardDraftOf, newCard, rateCardOf } from './rate-card-draft';

export interface PhaseDraft {
  key: string;
  name: string;
  /** Of no meaning in the last phase. */
  duration: string;
  cards: CardDraft[];
  kept: Pick<PlanPhase, 'description' | 'metadata'>;
}

export interface PlanDraft {
  key: string;
  name: string;
  description: string;
  currency: string;
  billingCadence: string;
  isProrated: boolean;
  phases: PhaseDraft[];
  metadata: Record<string, string>;
}

export const newPhase = (key: string, name: string): PhaseDraft => ({
  key,
  name,
  duration: 'P1M',
  cards: [],
  kept: {},
});

export const newPlan = (): PlanDraft => ({
  key: '',
  name: '',
  description: '',
  currency: 'USD',
  billingCadence: 'P1M',
  isProrated: true,
  phases: [{ ...newPhase('default', 'Default'), cards: [newCard('usage_based', 'P1M')] }],
  metadata: {},
});

export const planDraftOf = (plan: Plan): PlanDraft => ({
  key: plan.key,
  name: plan.name,
  description: plan.description ?? '',
  currency: plan.currency,
  billingCadence: plan.billingCadence,
  isProrated: plan.proRatingConfig.enabled,
  metadata: plan.metadata,
  phases: plan.phases.map((phase) => ({
    key: phase.key,
    name: phase.name,
    duration: phase.duration ?? 'P1M',
    cards: phase.rateCards.map(cardDraftOf),
    kept: {
      ...(phase.description === undefined ? {} : { description: phase.description }),
      ...(phase.metadata === undefined ? {} : { metadata: phase.metadata }),
    },
  })),
});

/** The body of a change; creating takes the key and the currency besides. The last phase has no end. */
export const planBodyOf = (draft: PlanDraft) => ({
  name: draft.name || draft.key,
  ...(draft.description ? { description: draft.description } : {}),
  billingCadence: draft.billingCadence,
  proRatingConfig: { enabled: draft.isProrated, mode: 'prorate_prices' },
  metadata: draft.metadata,
  phases: draft.phases.map((phase, index) => ({
    key: phase.key,
    name: phase.name || phase.key,
    ...phase.kept,
    duration: index === draft.phases.length - 1 ? null : phase.duration,
    rateCards: phase.cards.map(rateCardOf),
  })),
});
