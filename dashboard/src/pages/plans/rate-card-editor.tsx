import { SelectField, TextField } from '../../ui/fields';
import { PickField } from '../../ui/pick-field';
import { type Feature, featuresPath } from '../features/feature';
import { PriceEditor } from './price-editor';
import type { CardDraft } from './rate-card-draft';
import { TemplateEditor } from './template-editor';

export interface RateCardEditorProps {
  title: string;
  card: CardDraft;
  path: string;
  onChange: (card: CardDraft) => void;
  onRemove: () => void;
}

/** One rate card: what is priced, how, and what subscribers are entitled to with it. */
export const RateCardEditor = ({ title, card, path, onChange, onRemove }: RateCardEditorProps) => {
  const change = (changes: Partial<CardDraft>): void => onChange({ ...card, ...changes });
  return (
    <fieldset className="group">
      <legend className="visually-hidden">{title}</legend>
      <div className="row-between">
        <h3>
          {title}: {card.type === 'flat_fee' ? 'flat fee' : 'usage-based'}
        </h3>
        <button type="button" className="button button-quiet button-small" onClick={onRemove}>
          Remove {title.toLowerCase()}
        </button>
      </div>
      <div className="fields-2">
        <PickField<Feature>
          label="Feature"
          path={`${path}.featureKey`}
          isRequired={card.type === 'usage_based'}
          value={card.featureKey}
          onChange={(featureKey) => change({ featureKey })}
          listPath={featuresPath}
          valueOf={({ key }) => key}
        />
        <TextField
          label="Rate card name"
          path={`${path}.name`}
          value={card.name}
          onChange={(name) => change({ name })}
        />
        <TextField
          label="Rate card key"
          path={`${path}.key`}
          isRequired={card.featureKey === ''}
          value={card.key}
          onChange={(key) => change({ key })}
          placeholder={card.featureKey}
          hint={card.featureKey === '' ? undefined : "The feature's key unless told."}
        />
        <SelectField
          label="Charged"
          path={`${path}.billingCadence`}
          value={card.billingCadence}
          onChange={(billingCadence) => change({ billingCadence })}
          options={cadences(card)}
        />
      </div>
      <PriceEditor card={card} path={path} change={change} />
      <TemplateEditor card={card} path={path} change={change} />
    </fieldset>
  );
};

const usualCadences: Record<string, string> = {
  P1D: 'every day',
  P1W: 'every week',
  P1M: 'every month',
  P3M: 'every 3 months',
  P1Y: 'every year',
};

const cadences = (card: CardDraft) => [
  ...(card.type === 'flat_fee' ? [{ value: '', label: 'once' }] : []),
  ...Object.entries(usualCadences).map(([value, label]) => ({ value, label })),
  ...(card.billingCadence === '' || usualCadences[card.billingCadence]
    ? []
    : [{ value: card.billingCadence, label: card.billingCadence }]),
];
