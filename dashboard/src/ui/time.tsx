import { exactTime, relativeTime } from '../format/time';
import { useNow } from './use-now';

const instantOf = (at: string | number): number => (typeof at === 'number' ? at : Date.parse(at));

/** An instant: relative, the exact one on hover. Nothing where there is none. */
export const Time = ({ at }: { at: string | number | null | undefined }) => {
  const now = useNow();
  if (at === null || at === undefined) return <span className="soft">–</span>;
  const instant = instantOf(at);
  return (
    <time className="nowrap" dateTime={new Date(instant).toISOString()} title={exactTime(instant)}>
      {relativeTime(instant, now)}
    </time>
  );
};

/** An instant to the millisecond; relative on hover. */
export const ExactTime = ({ at }: { at: string | number }) => {
  const instant = instantOf(at);
  return (
    <time
      className="nowrap"
      dateTime={new Date(instant).toISOString()}
      title={relativeTime(instant, Date.now())}
    >
      {exactTime(instant)}
    </time>
  );
};
