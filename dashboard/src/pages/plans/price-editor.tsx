import { SelectField, TextField } from '../../ui/fields';
import { Icon } from '../../ui/icon';
import type { PriceType } from './price';
import type { CardDraft, CardPartProps, TierDraft } from './rate-card-draft';

const priceTypes: Record<PriceType | 'free', string> = {
  free: 'Free',
  flat: 'Flat: the same each period',
  unit: 'Per unit',
  tiered: 'Tiered',
  package: 'Per package begun',
  dynamic: 'Dynamic: the metered amount itself',
};

const offered = (card: CardDraft): readonly (PriceType | 'free')[] =>
  card.type === 'flat_fee' ? ['flat', 'free'] : ['unit', 'tiered', 'package', 'dynamic', 'flat', 'free'];

/** The price of a rate card, all types of it, with commitments and discounts. */
export const PriceEditor = ({ card, path, change }: CardPartProps) => {
  const price = `${path}.price`;
  const hasCommitments = card.priceType !== 'free' && card.priceType !== 'flat';
  return (
    <>
      <div className="fields-2">
        <SelectField
          label="Price"
          value={card.priceType}
          onChange={(priceType) => change({ priceType })}
          options={offered(card).map((value) => ({ value, label: priceTypes[value] }))}
        />
        {(card.priceType === 'unit' || card.priceType === 'flat' || card.priceType === 'package') && (
          <TextField
            label={
              card.priceType === 'unit'
                ? 'Price per unit'
                : card.priceType === 'flat'
                  ? 'Amount'
                  : 'Price per package'
            }
            path={`${price}.amount`}
            isRequired
            isNumeric
            value={card.amount}
            onChange={(amount) => change({ amount })}
          />
        )}
        {card.priceType === 'flat' && (
          <SelectField
            label="Paid"
            value={card.paymentTerm}
            onChange={(paymentTerm) => change({ paymentTerm })}
            options={[
              { value: 'in_advance', label: 'in advance' },
              { value: 'in_arrears', label: 'in arrears' },
            ]}
          />
        )}
        {card.priceType === 'package' && (
          <TextField
            label="Units per package"
            path={`${price}.quantityPerPackage`}
            isRequired
            isNumeric
            value={card.quantityPerPackage}
            onChange={(quantityPerPackage) => change({ quantityPerPackage })}
          />
        )}
        {card.priceType === 'dynamic' && (
          <TextField
            label="Multiplier"
            path={`${price}.multiplier`}
            isRequired
            isNumeric
            value={card.multiplier}
            onChange={(multiplier) => change({ multiplier })}
          />
        )}
        {card.priceType === 'tiered' && (
          <SelectField
            label="Tiers are"
            value={card.mode}
            onChange={(mode) => change({ mode })}
            options={[
              { value: 'graduated', label: 'graduated: each prices what falls into it' },
              { value: 'volume', label: 'volume: the reached one prices all' },
            ]}
          />
        )}
      </div>
      {card.priceType === 'tiered' && (
        <TiersEditor tiers={card.tiers} path={`${price}.tiers`} onChange={(tiers) => change({ tiers })} />
      )}
      <div className="fields-2">
        {hasCommitments && (
          <>
            <TextField
              label="At least"
              path={`${price}.minimumAmount`}
              isNumeric
              value={card.minimum}
              onChange={(minimum) => change({ minimum })}
            />
            <TextField
              label="At most"
              path={`${price}.maximumAmount`}
              isNumeric
              value={card.maximum}
              onChange={(maximum) => change({ maximum })}
            />
          </>
        )}
        {card.priceType !== 'free' && (
          <TextField
            label="Discount in percent"
            path={`${path}.discounts.percentage`}
            isNumeric
            value={card.discountPercent}
            onChange={(discountPercent) => change({ discountPercent })}
          />
        )}
        {card.type === 'usage_based' && hasCommitments && (
          <TextField
            label="Free units a period"
            path={`${path}.discounts.usage`}
            isNumeric
            value={card.discountUsage}
            onChange={(discountUsage) => change({ discountUsage })}
          />
        )}
      </div>
    </>
  );
};

interface TiersEditorProps {
  tiers: readonly TierDraft[];
  path: string;
  onChange: (tiers: TierDraft[]) => void;
}

const TiersEditor = ({ tiers, path, onChange }: TiersEditorProps) => {
  const put = (index: number, changes: Partial<TierDraft>): void =>
    onChange(tiers.map((tier, at) => (at === index ? { ...tier, ...changes } : tier)));
  return (
    <div className="stack-tight">
      {tiers.map((tier, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: tiers have no identity but their place.
        <div className="fields-2" key={index}>
          <TextField
            label={`Tier ${index + 1} up to`}
            path={`${path}[${index}].upToAmount`}
            isRequired={index < tiers.length - 1}
            isNumeric
            value={tier.upTo}
            onChange={(upTo) => put(index, { upTo })}
            placeholder={index === tiers.length - 1 ? 'no end' : ''}
          />
          <TextField
            label={`Tier ${index + 1} price per unit`}
            path={`${path}[${index}].unitPrice`}
            isNumeric
            value={tier.unit}
            onChange={(unit) => put(index, { unit })}
          />
          <TextField
            label={`Tier ${index + 1} flat price`}
            path={`${path}[${index}].flatPrice`}
            isNumeric
            value={tier.flat}
            onChange={(flat) => put(index, { flat })}
          />
        </div>
      ))}
      <div className="row">
        <button
          type="button"
          className="button button-small"
          onClick={() =>
            onChange([...tiers.slice(0, -1), { upTo: '', flat: '', unit: '' }, ...tiers.slice(-1)])
          }
        >
          <Icon name="plus" size={14} />
          Add a tier
        </button>
        {tiers.length > 1 && (
          <button
            type="button"
            className="button button-small"
            onClick={() => onChange([...tiers.slice(0, -2), ...tiers.slice(-1)])}
          >
            Remove the last but one
          </button>
        )}
      </div>
    </div>
  );
};
