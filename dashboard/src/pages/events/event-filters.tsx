import { useEffect, useState } from 'react';
import { useUrlState } from '../../ui/use-url-state';

/** Subject, type and only errors, kept in the URL. */
export const EventFilters = () => {
  const url = useUrlState();
  return (
    <div className="list-bar">
      <ExactBox label="Subject" name="subject" />
      <ExactBox label="Type" name="type" />
      <button
        type="button"
        className="button"
        aria-pressed={url.get('onlyErrors') === 'true'}
        onClick={() =>
          url.change({ onlyErrors: url.get('onlyErrors') === 'true' ? undefined : 'true', cursor: undefined })
        }
      >
        Only errors
      </button>
    </div>
  );
};

/** Filters by the exact value once it was typed in full: on Enter, or when the box is left. */
const ExactBox = ({ label, name }: { label: string; name: string }) => {
  const url = useUrlState();
  const value = url.get(name) ?? '';
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const apply = (): void => {
    if (text.trim() !== value) url.change({ [name]: text.trim(), cursor: undefined });
  };
  return (
    <input
      className="input"
      style={{ width: 180 }}
      type="search"
      aria-label={label}
      placeholder={label}
      value={text}
      onChange={(event) => setText(event.target.value)}
      onBlur={apply}
      onKeyDown={(event) => {
        if (event.key === 'Enter') apply();
      }}
    />
  );
};
