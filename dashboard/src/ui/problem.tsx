import { sentenceOf } from '../api/problem';

/** What could not be read, and why; with a way to try again. */
export const Problem = ({ error, onRetry }: { error: unknown; onRetry?: (() => void) | undefined }) => (
  <div className="note note-problem row-between" role="alert">
    <span>{sentenceOf(error)}</span>
    {onRetry && (
      <button type="button" className="button button-small" onClick={onRetry}>
        Try again
      </button>
    )}
  </div>
);
