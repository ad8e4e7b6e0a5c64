import { useId } from 'react';
import { useFieldProblem } from './form';
import { Icon } from './icon';

export type Pairs = readonly (readonly [name: string, value: string])[];

export const pairsOf = (record: Record<string, string> | undefined): Pairs => Object.entries(record ?? {});

/** The pairs that have a name, as an object. */
export const recordOf = (pairs: Pairs): Record<string, string> =>
  Object.fromEntries(
    pairs.map(([name, value]) => [name.trim(), value] as const).filter(([name]) => name !== ''),
  );

export interface PairsFieldProps {
  label: string;
  hint?: string;
  path?: string;
  pairs: Pairs;
  onChange: (pairs: Pairs) => void;
  nameLabel: string;
  valueLabel: string;
  /** What one more is called on the button: "group-by key". */
  noun: string;
}

/** Names and values, as many as there are: group-by keys, headers, metadata. */
export const PairsField = (props: PairsFieldProps) => {
  const { pairs, onChange, nameLabel, valueLabel, noun } = props;
  const id = useId();
  const problem = useFieldProblem(props.path);
  const put = (index: number, name: string, value: string): void =>
    onChange(pairs.map((pair, at) => (at === index ? [name, value] : pair)));
  return (
    <fieldset className="field" aria-describedby={props.hint ? `${id}-hint` : undefined}>
      <legend className="field-label">
        {props.label}
        <span className="soft"> (optional)</span>
      </legend>
      {pairs.map(([name, value], index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows have no identity but their place.
        <div className="row" style={{ flexWrap: 'nowrap' }} key={index}>
          <input
            className="input"
            aria-label={`${nameLabel} ${index + 1}`}
            placeholder={nameLabel}
            value={name}
            spellCheck={false}
            onChange={(event) => put(index, event.target.value, value)}
          />
          <input
            className="input"
            aria-label={`${valueLabel} ${index + 1}`}
            placeholder={valueLabel}
            value={value}
            spellCheck={false}
            onChange={(event) => put(index, name, event.target.value)}
          />
          <button
            type="button"
            className="button button-quiet button-icon"
            aria-label={`Remove ${noun} ${name || index + 1}`}
            onClick={() => onChange(pairs.filter((_, at) => at !== index))}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
      <div>
        <button type="button" className="button button-small" onClick={() => onChange([...pairs, ['', '']])}>
          <Icon name="plus" size={14} />
          Add a {noun}
        </button>
      </div>
      {problem && <span className="field-error">{problem}</span>}
      {props.hint && (
        <span className="field-hint" id={`${id}-hint`}>
          {props.hint}
        </span>
      )}
    </fieldset>
  );
};
