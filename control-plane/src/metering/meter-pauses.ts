import { conflict } from '../primitives/refusal';
import type { Meter, MeterPause } from './meter';

/** Pauses of one meter at most: each is looked at for every raw event that is counted. */
const pauseLimit = 200;

/** Whether a meter did not count when the event with this sequence number was stored. */
export const isPausedFor = ({ pauses }: Pick<Meter, 'pauses'>, seq: number): boolean => {
  for (const [from, to] of pauses) if (from <= seq && (to === null || seq < to)) return true;
  return false;
};

/** @throws Refusal `meter_pauses` when there are too many already */
export const beginPause = (pauses: readonly MeterPause[], seq: number): MeterPause[] => {
  if (pauses.length >= pauseLimit)
    throw conflict(
      'meter_pauses',
      `a meter can be deactivated ${pauseLimit} times at most; create a new one instead`,
    );
  return [...pauses, [seq, null]];
};

export const endPause = (pauses: readonly MeterPause[], seq: number): MeterPause[] =>
  pauses.map(([from, to]) => [from, to ?? seq]);
