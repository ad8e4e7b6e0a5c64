import { type ReactNode, useId } from 'react';
import { useFieldProblem } from './form';

interface SharedProps {
  label: string;
  hint?: ReactNode;
  /** The field in the body that is sent, as a JSONPath: what the server says about it is shown here. */
  path?: string;
  isRequired?: boolean;
  isDisabled?: boolean;
}

interface Wiring {
  id: string;
  'aria-invalid': boolean | undefined;
  'aria-describedby': string | undefined;
}

const Field = ({
  label,
  hint,
  path,
  isRequired,
  children,
}: SharedProps & { children: (wiring: Wiring) => ReactNode }) => {
  const id = useId();
  const problem = useFieldProblem(path);
  const described = [hint ? `${id}-hint` : '', problem ? `${id}-problem` : ''].filter(Boolean).join(' ');
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}
        {!isRequired && <span className="soft"> (optional)</span>}
      </label>
      {children({
        id,
        'aria-invalid': problem ? true : undefined,
        'aria-describedby': described || undefined,
      })}
      {problem && (
        <span className="field-error" id={`${id}-problem`}>
          {problem}
        </span>
      )}
      {hint && (
        <span className="field-hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
    </div>
  );
};

export interface TextFieldProps extends SharedProps {
  value: string;
  onChange: (value: string) => void;
  type?: 'text' | 'password' | 'url' | 'email' | 'datetime-local' | 'number';
  placeholder?: string;
  /** Values to choose from, while others may be typed. */
  suggestions?: readonly string[];
  autoComplete?: string;
  /** For amounts: a numeric keyboard. */
  isNumeric?: boolean;
}

export const TextField = (props: TextFieldProps) => {
  const listId = useId();
  return (
    <Field {...props}>
      {(wiring) => (
        <>
          <input
            {...wiring}
            className="input"
            type={props.type ?? 'text'}
            value={props.value}
            required={props.isRequired}
            disabled={props.isDisabled}
            placeholder={props.placeholder}
            autoComplete={props.autoComplete ?? 'off'}
            spellCheck={false}
            inputMode={props.isNumeric ? 'decimal' : undefined}
            list={props.suggestions ? listId : undefined}
            {...(props.type === 'datetime-local' ? { step: 1 } : {})}
            onChange={(event) => props.onChange(event.target.value)}
          />
          {props.suggestions && (
            <datalist id={listId}>
              {props.suggestions.map((value) => (
                <option key={value} value={value} />
              ))}
            </datalist>
          )}
        </>
      )}
    </Field>
  );
};

export interface TextAreaFieldProps extends SharedProps {
  value: string;
  onChange: (value: string) => void;
  isCode?: boolean;
  rows?: number;
}

export const TextAreaField = (props: TextAreaFieldProps) => (
  <Field {...props}>
    {(wiring) => (
      <textarea
        {...wiring}
        className={props.isCode ? 'textarea mono' : 'textarea'}
        rows={props.rows ?? 4}
        value={props.value}
        required={props.isRequired}
        disabled={props.isDisabled}
        spellCheck={!props.isCode}
        onChange={(event) => props.onChange(event.target.value)}
      />
    )}
  </Field>
);

export interface Option<T extends string = string> {
  value: T;
  label: string;
}

export interface SelectFieldProps<T extends string> extends SharedProps {
  value: T;
  onChange: (value: T) => void;
  options: readonly Option<T>[];
}

export const SelectField = <T extends string>(props: SelectFieldProps<T>) => (
  <Field {...props} isRequired>
    {(wiring) => (
      <select
        {...wiring}
        className="select"
        value={props.value}
        disabled={props.isDisabled}
        onChange={(event) => props.onChange(event.target.value as T)}
      >
        {props.options.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    )}
  </Field>
);

export interface CheckFieldProps {
  label: string;
  hint?: ReactNode;
  isChecked: boolean;
  onChange: (isChecked: boolean) => void;
  isDisabled?: boolean;
}

export const CheckField = ({ label, hint, isChecked, onChange, isDisabled }: CheckFieldProps) => {
  const id = useId();
  return (
    <div className="check">
      <input
        id={id}
        type="checkbox"
        checked={isChecked}
        disabled={isDisabled}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => onChange(event.target.checked)}
      />
      <div className="field">
        <label htmlFor={id}>{label}</label>
        {hint && (
          <span className="field-hint" id={`${id}-hint`}>
            {hint}
          </span>
        )}
      </div>
    </div>
  );
};
