import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Problem } from './problem';

export interface LoadedProps<T> {
  query: UseQueryResult<T, Error>;
  children: (data: T) => ReactNode;
}

/** What was read, or that it is on its way, or why it could not be read. */
export const Loaded = <T,>({ query, children }: LoadedProps<T>) => {
  if (query.data !== undefined) return children(query.data);
  if (query.isError) return <Problem error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <p className="soft" role="status">
      Loading …
    </p>
  );
};
