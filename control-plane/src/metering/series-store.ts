import type { Database } from '../storage';
import type { CountedBatch, CountedSeries } from './count-events';

/** The lines of rollups; see the table `series`. */
export const levels = { detail: 0, subject: 1, meter: 2 } as const;

/** Known series at most; the oldest are forgotten and looked up again. */
const knownSeriesLimit = 500_000;
const shardCount = 8;

/** Where one counted series adds up: by minute, and by hour for its subject and for the whole meter. */
export interface SeriesIds {
  detail: number;
  /** Undefined for distinct values, which cannot be added up and are read from the minutes. */
  hours: { subject: number; meter: number } | undefined;
}

export type ResolvedBatch = ReadonlyMap<string, SeriesIds>;

/**
 * Gives every series its id. Ids never change, so each process remembers those it has met; they are made outside of the
 * ingest transaction, since a series without rollups harms nobody.
 */
export const createSeriesStore = (database: Database, shard = Math.floor(Math.random() * shardCount)) => {
  const known = new Map<string, SeriesIds>();

  /** The ids of a batch's series, by the batch's keys. */
  return async (batch: CountedBatch): Promise<ResolvedBatch> => {
    const resolved = new Map<string, SeriesIds>();
    const missing: [string, CountedSeries][] = [];
    for (const [key, series] of batch) {
      const ids = known.get(key);
      if (ids) resolved.set(key, ids);
      else missing.push([key, series]);
    }
    if (missing.length === 0) return resolved;
    const idOf = await lineIds(database, missing, shard);
    for (const [key, series] of missing) {
      const ids = seriesIds(series, shard, idOf);
      resolved.set(key, ids);
      known.set(key, ids);
    }
    forgetOldest(known);
    return resolved;
  };
};

const forgetOldest = (known: Map<string, SeriesIds>): void => {
  for (const key of known.keys()) {
    if (known.size <= knownSeriesLimit) return;
    known.delete(key);
  }
};

/** A row of the table `series`. */
interface Line {
  meterNumber: number;
  level: number;
  shard: number;
  subject: string;
  groups: string;
}

const detailLine = ({ compiled, subject, groupValues }: CountedSeries): Line => {
  const { groupKeys, meter } = compiled;
  const groups = Object.fromEntries(groupKeys.map((key, index) => [key, groupValues[index]]));
  return {
    meterNumber: meter.number,
    level: levels.detail,
    shard: 0,
    subject,
    groups: JSON.stringify(groups),
  };
};

const subjectLine = ({ compiled, subject }: CountedSeries): Line => ({
  meterNumber: compiled.meter.number,
  level: levels.subject,
  shard: 0,
  subject,
  groups: '{}',
});

const meterLine = ({ compiled }: CountedSeries, shard: number): Line => ({
  meterNumber: compiled.meter.number,
  level: levels.meter,
  shard,
  subject: '',
  groups: '{}',
});

const hasHours = ({ compiled }: CountedSeries): boolean => compiled.meter.aggregation !== 'UNIQUE_COUNT';

const seriesIds = (series: CountedSeries, shard: number, idOf: (line: Line) => number): SeriesIds => ({
  detail: idOf(detailLine(series)),
  hours: hasHours(series)
    ? { subject: idOf(subjectLine(series)), meter: idOf(meterLine(series, shard)) }
    : undefined,
});

const lineKey = ({ meterNumber, level, subject, groups }: Line): string =>
  `${meterNumber}\u0000${level}\u0000${subject}\u0000${groups}`;

/** Finds the ids of all lines of some series, and makes those that are new. */
const lineIds = async (
  database: Database,
  series: readonly [string, CountedSeries][],
  shard: number,
): Promise<(line: Line) => number> => {
  const lines = new Map<string, Line>();
  for (const [, one] of series) {
    const own = hasHours(one)
      ? [detailLine(one), subjectLine(one), meterLine(one, shard)]
      : [detailLine(one)];
    for (const line of own) lines.set(lineKey(line), line);
  }
  const ids = new Map<string, number>();
  const find = async (): Promise<[string, Line][]> => {
    const wanted = [...lines].filter(([key]) => !ids.has(key));
    const found = await selectSeries(
      database,
      wanted.map(([, line]) => line),
    );
    wanted.forEach(([key], index) => {
      if (found[index] !== null) ids.set(key, found[index]!);
    });
    return wanted.filter(([key]) => !ids.has(key));
  };
  const unknown = await find();
  if (unknown.length > 0) {
    await insertSeries(
      database,
      unknown.map(([, line]) => line),
    );
    await find();
  }
  return (line) => ids.get(lineKey(line))!;
};

const lineParameters = (database: Database, lines: readonly Line[]): unknown[] => {
  const { arrays } = database;
  return [
    arrays.bigint(lines.map((line) => line.meterNumber)),
    arrays.bigint(lines.map((line) => line.level)),
    arrays.bigint(lines.map((line) => line.shard)),
    arrays.text(lines.map((line) => line.subject)),
    arrays.text(lines.map((line) => line.groups)),
  ];
};

const wantedLines = `unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[])
  WITH ORDINALITY AS w (meter_number, level, shard, subject, groups, position)`;

/**
 * The ids in the order of the lines; null for those that are not there. A scalar subquery is a look into the index for each
 * line: a join would be planned once, while the table is small, as a scan of all of it.
 */
const selectSeries = async (database: Database, lines: readonly Line[]): Promise<(number | null)[]> => {
  const { rows } = await database.query<{ id: number | null }>(
    `SELECT (
       SELECT s.id FROM series s
       WHERE s.meter_number = w.meter_number AND s.level = w.level AND s.subject = w.subject
         AND md5(s.groups::text) = md5((w.groups::jsonb)::text) AND s.groups = w.groups::jsonb AND s.shard = w.shard
     ) AS id
     FROM ${wantedLines} ORDER BY w.position`,
    lineParameters(database, lines),
  );
  return rows.map((row) => row.id);
};

/** In one order everywhere, so that replicas that meet the same series wait for each other instead of deadlocking. */
const insertSeries = async (database: Database, lines: readonly Line[]): Promise<void> => {
  await database.query(
    `INSERT INTO series (meter_number, level, shard, subject, groups)
     SELECT w.meter_number, w.level, w.shard, w.subject, w.groups::jsonb FROM ${wantedLines}
     ORDER BY w.meter_number, w.level, w.subject COLLATE "C", w.groups COLLATE "C", w.shard
     ON CONFLICT DO NOTHING`,
    lineParameters(database, lines),
  );
};
