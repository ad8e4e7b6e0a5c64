import type { LiveState } from '../live/use-live-stream';

const words: Record<LiveState, string> = {
  connecting: 'connecting …',
  live: 'live',
  reconnecting: 'reconnecting …',
  paused: 'paused',
};

/** Whether what is shown is what is so. */
export const LiveMark = ({ state }: { state: LiveState }) => (
  <span className="live" data-state={state} role="status">
    {words[state]}
  </span>
);
