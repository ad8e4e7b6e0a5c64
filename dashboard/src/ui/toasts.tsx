import { useSyncExternalStore } from 'react';
import { sentenceOf } from '../api/problem';
import { Icon } from './icon';

interface Toast {
  id: number;
  text: string;
  isProblem: boolean;
}

const shownMs = 6_000;
const mostAtOnce = 4;
let toasts: readonly Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

const change = (next: readonly Toast[]): void => {
  toasts = next;
  for (const listener of listeners) listener();
};

const dismiss = (id: number): void => change(toasts.filter((toast) => toast.id !== id));

const show = (text: string, isProblem: boolean): void => {
  const id = ++lastId;
  change([...toasts, { id, text, isProblem }].slice(-mostAtOnce));
  // A problem stays until it was read.
  if (!isProblem) setTimeout(() => dismiss(id), shownMs);
};

/** Says what was done. */
export const tell = (text: string): void => show(text, false);

/** Says what failed, and why. */
export const tellProblem = (error: unknown): void => show(sentenceOf(error), true);

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** The status region: read out by screen readers as its text changes. */
export const Toasts = () => {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map(({ id, text, isProblem }) => (
        <div key={id} className={isProblem ? 'toast toast-problem' : 'toast'}>
          <span>{text}</span>
          <button
            type="button"
            className="button button-quiet button-small button-icon"
            aria-label="Dismiss"
            onClick={() => dismiss(id)}
          >
            <Icon name="close" size={12} />
          </button>
        </div>
      ))}
    </div>
  );
};
