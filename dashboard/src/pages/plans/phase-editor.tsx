import { TextField } from '../../ui/fields';
import { Icon } from '../../ui/icon';
import type { PhaseDraft } from './plan-draft';
import { type CardDraft, newCard } from './rate-card-draft';
import { RateCardEditor } from './rate-card-editor';

export interface PhaseEditorProps {
  phase: PhaseDraft;
  /** JSONPath of the phase in the plan. */
  path: string;
  isLast: boolean;
  billingCadence: string;
  onChange: (phase: PhaseDraft) => void;
}

/** One phase of a plan: how long it lasts, and its rate cards. */
export const PhaseEditor = ({ phase, path, isLast, billingCadence, onChange }: PhaseEditorProps) => {
  const putCards = (cards: CardDraft[]): void => onChange({ ...phase, cards });
  return (
    <>
      <div className="fields-2">
        <TextField
          label="Phase key"
          path={`${path}.key`}
          isRequired
          value={phase.key}
          onChange={(key) => onChange({ ...phase, key })}
        />
        <TextField
          label="Phase name"
          path={`${path}.name`}
          value={phase.name}
          onChange={(name) => onChange({ ...phase, name })}
        />
        {!isLast && (
          <TextField
            label="Lasts"
            path={`${path}.duration`}
            isRequired
            value={phase.duration}
            onChange={(duration) => onChange({ ...phase, duration })}
            suggestions={['P14D', 'P1M', 'P3M', 'P1Y']}
            hint="ISO 8601; the last phase has no end."
          />
        )}
      </div>
      {phase.cards.map((card, index) => (
        <RateCardEditor
          // biome-ignore lint/suspicious/noArrayIndexKey: cards have no identity but their place; their keys are being typed.
          key={index}
          title={`Rate card ${index + 1}`}
          card={card}
          path={`${path}.rateCards[${index}]`}
          onChange={(next) => putCards(phase.cards.map((before, at) => (at === index ? next : before)))}
          onRemove={() => putCards(phase.cards.filter((_, at) => at !== index))}
        />
      ))}
      <div className="row">
        <button
          type="button"
          className="button"
          onClick={() => putCards([...phase.cards, newCard('usage_based', billingCadence)])}
        >
          <Icon name="plus" />
          Add a usage-based rate card
        </button>
        <button
          type="button"
          className="button"
          onClick={() => putCards([...phase.cards, newCard('flat_fee', billingCadence)])}
        >
          <Icon name="plus" />
          Add a flat fee
        </button>
      </div>
    </>
  );
};
