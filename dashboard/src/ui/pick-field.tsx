import { type ReactNode, useDeferredValue } from 'react';
import type { Query } from '../api/query-text';
import { useApi } from '../api/use-api';
import { TextField } from './fields';

export interface PickFieldProps<T> {
  label: string;
  hint?: ReactNode;
  path?: string;
  isRequired?: boolean;
  value: string;
  onChange: (value: string) => void;
  /** The list it is picked from, searched on the server by what is typed. */
  listPath: string;
  query?: Query;
  valueOf: (item: T) => string;
}

const suggestionLimit = 20;

/** A key of something that exists, found by typing a part of it. */
export const PickField = <T,>(props: PickFieldProps<T>) => {
  const typed = useDeferredValue(props.value);
  const found = useApi<readonly T[] | { items: readonly T[] }>(props.listPath, {
    search: typed,
    page: 1,
    pageSize: suggestionLimit,
    ...props.query,
  });
  const items = found.data === undefined ? [] : 'items' in found.data ? found.data.items : found.data;
  return (
    <TextField
      label={props.label}
      hint={props.hint}
      {...(props.path ? { path: props.path } : {})}
      isRequired={props.isRequired ?? false}
      value={props.value}
      onChange={props.onChange}
      suggestions={[...new Set(items.map(props.valueOf))]}
    />
  );
};
