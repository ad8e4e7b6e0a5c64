import {
  keepPreviousData,
  QueryClient,
  type UseQueryResult,
  useMutation,
  useQuery,
} from '@tanstack/react-query';
import { type Call, callJson } from './client';
import { ApiProblem } from './problem';
import type { Query } from './query-text';

/** A refusal stays a refusal; only what may pass is asked again. */
const mayPass = (error: unknown): boolean =>
  !(error instanceof ApiProblem) || error.status === 0 || error.status >= 500;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      gcTime: 60_000,
      retry: (count, error) => count < 2 && mayPass(error),
      refetchOnWindowFocus: true,
    },
  },
});

export interface UseApiOptions {
  /** Not asked while this is false. */
  isEnabled?: boolean;
  /** Asked again after so many milliseconds, while the page is seen. */
  everyMs?: number;
  /** Reads the text of the answer, where its numbers have more digits than JSON.parse keeps. */
  read?: (text: string) => unknown;
}

/** Reads one resource of the API and keeps it; shows the page before while the next one is on its way. */
export const useApi = <T>(
  path: string,
  query: Query = {},
  options: UseApiOptions = {},
): UseQueryResult<T, Error> =>
  useQuery<T, Error>({
    queryKey: [path, query],
    queryFn: ({ signal }) => callJson<T>({ path, query, signal }, undefined, options.read),
    enabled: options.isEnabled ?? true,
    placeholderData: keepPreviousData,
    ...(options.everyMs === undefined ? {} : { refetchInterval: options.everyMs }),
  });

/** What was read under these paths is out of date: whatever of it is on the page is read again. */
export const refresh = (...paths: string[]): Promise<void> =>
  queryClient.invalidateQueries({
    predicate: ({ queryKey }) => paths.some((path) => String(queryKey[0]).startsWith(path)),
  });

/** A change: `run` sends it, and then whatever was read under `refreshes` is read again. */
export const useChange = <T = unknown>(...refreshes: string[]) => {
  const { mutateAsync, isPending } = useMutation<T, Error, Call>({
    mutationFn: (request) => callJson<T>({ method: 'POST', ...request }),
    onSuccess: () => refresh(...refreshes),
  });
  return { run: mutateAsync, isRunning: isPending };
};
