import { useSyncExternalStore } from 'react';

/**
 * Who looks: the holder of an API token, or a customer with a portal token. The token stands in session storage, so that
 * it ends with the tab; it is never part of a URL.
 */
export interface Session {
  kind: 'api' | 'portal';
  token: string;
}

interface SessionState {
  session: Session | undefined;
  /** Why the last session ended, in words. */
  ended: string | undefined;
}

const storageKey = 'tollgate.session';

const readStored = (): Session | undefined => {
  try {
    const stored = JSON.parse(sessionStorage.getItem(storageKey) ?? 'null') as Session | null;
    return stored && typeof stored.token === 'string' ? stored : undefined;
  } catch {
    return undefined;
  }
};

let state: SessionState = { session: readStored(), ended: undefined };
const listeners = new Set<() => void>();

const change = (next: SessionState): void => {
  state = next;
  for (const listener of listeners) listener();
};

export const readToken = (): string | undefined => state.session?.token;

export const beginSession = (session: Session): void => {
  sessionStorage.setItem(storageKey, JSON.stringify(session));
  change({ session, ended: undefined });
};

/** Forgets the token; `reason` is shown on the sign-in page. */
export const endSession = (reason?: string): void => {
  sessionStorage.removeItem(storageKey);
  change({ session: undefined, ended: reason });
};

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const useSession = (): SessionState => useSyncExternalStore(subscribe, () => state);
