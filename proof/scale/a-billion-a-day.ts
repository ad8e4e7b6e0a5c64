import type { ScaleRow } from './scale-row';

const eventsPerDay = 1e9;
const secondsPerDay = 86_400;
/** Traffic of people is not even: the busiest hour has about this many times the mean. */
const peakFactor = 3;
/** Cores are planned to be this busy at the peak. */
const plannedShare = 0.6;

/** What 10^9 events a day need, by the dearest row of those that a deployment of that size would have. */
export interface Sizing {
  meanPerSecond: number;
  peakPerSecond: number;
  serverCores: number;
  postgresCores: number;
  /** Terabytes of raw events in 35 days, indexes included; undefined where no row measured it. */
  rawTerabytes: number | undefined;
}

export const sizeForABillionADay = (rows: readonly ScaleRow[]): Sizing => {
  const meanPerSecond = eventsPerDay / secondsPerDay;
  const peakPerSecond = meanPerSecond * peakFactor;
  const dearest = (read: (row: ScaleRow) => number): number => Math.max(...rows.map(read));
  const cores = (micros: number): number => Math.ceil((peakPerSecond * micros) / 1e6 / plannedShare);
  // Of the row with the most events: with few, tables that are there anyway count for much.
  const bytes = rows
    .filter(({ more }) => more?.['bytes/event'] !== undefined)
    .sort((a, b) => b.value - a.value)[0]?.more?.['bytes/event'];
  return {
    meanPerSecond: Math.round(meanPerSecond),
    peakPerSecond: Math.round(peakPerSecond),
    serverCores: cores(dearest((row) => row.serverMicros)),
    postgresCores: cores(dearest((row) => row.postgresMicros)),
    rawTerabytes: bytes === undefined ? undefined : Number(((bytes * eventsPerDay * 35) / 1e12).toFixed(1)),
  };
};
