import type { MeasuredLoad } from '../../benchmarks/support/service-process';

/** One line of the table: what was varied, to which value, and what counting cost then. */
export interface ScaleRow {
  dimension: string;
  value: number;
  eventsPerSecond: number;
  serverMicros: number;
  postgresMicros: number;
  p99Ms: number;
  limit: string;
  /** Further figures of this row alone. */
  more?: Record<string, number>;
}

/** Cores that are busy to this share are the limit; below it the parts wait for each other or for the disk. */
const busyShare = 0.85;

/**
 * What one row's loads come to together; the loads ran at the same time, one a replica.
 * @throws Error when nothing was answered: such a row says nothing of cost
 */
export const rowOf = (
  dimension: string,
  value: number,
  loads: readonly MeasuredLoad[],
  cores: number,
): ScaleRow => {
  const eventsPerSecond = loads.reduce((sum, load) => sum + load.eventsPerSecond, 0);
  if (eventsPerSecond === 0)
    throw new Error(`${dimension} ${value}: no request was answered while it was measured`);
  /** Cores in use: events a second times processor time an event. */
  const coresOf = (micros: (load: MeasuredLoad) => number): number =>
    loads.reduce((sum, load) => sum + (load.eventsPerSecond * micros(load)) / 1e6, 0);
  const server = coresOf((load) => load.serverMicrosPerEvent);
  const generator = coresOf((load) => load.loadMicrosPerEvent);
  // Each load measured all of PostgreSQL, against its own events.
  const postgres = coresOf((load) => load.postgresMicrosPerEvent ?? 0) / loads.length;
  const used = server + postgres + generator;
  const percent = (part: number): string => `${Math.round((part / cores) * 100)} %`;
  const shares = `PostgreSQL ${percent(postgres)}, control planes ${percent(server)}, load ${percent(generator)} of ${cores} cores`;
  return {
    dimension,
    value,
    eventsPerSecond: Math.round(eventsPerSecond),
    serverMicros: Number(((server * 1e6) / eventsPerSecond).toFixed(1)),
    postgresMicros: Number(((postgres * 1e6) / eventsPerSecond).toFixed(1)),
    p99Ms: Number(Math.max(...loads.map(({ p99Ms }) => p99Ms)).toFixed(1)),
    limit: `${used / cores >= busyShare ? 'processor' : 'waiting (commits, other processes)'}: ${shares}`,
  };
};
