import { useCallback, useMemo } from 'react';
import { useLocation, useSearch } from 'wouter';

/** What a list shows stands in the URL, so that a link or a reload shows the same. */
export const useUrlState = () => {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const params = useMemo(() => new URLSearchParams(search), [search]);

  /** Empty and undefined take a parameter away. */
  const change = useCallback(
    (changes: Record<string, string | undefined>, options: { replace?: boolean } = {}): void => {
      const next = new URLSearchParams(search);
      for (const [name, value] of Object.entries(changes)) {
        if (value === undefined || value === '') next.delete(name);
        else next.set(name, value);
      }
      const text = next.toString();
      navigate(text === '' ? path : `${path}?${text}`, options);
    },
    [search, path, navigate],
  );

  /** Another path with the list as it is: for opening and closing sheets. */
  const withSearch = useCallback((to: string): string => (search === '' ? to : `${to}?${search}`), [search]);

  return {
    get: (name: string): string | undefined => params.get(name) ?? undefined,
    change,
    withSearch,
    go: useCallback((to: string) => navigate(withSearch(to)), [navigate, withSearch]),
  };
};
