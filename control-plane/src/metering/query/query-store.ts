import type { Queryable } from '../../storage';
import { hourMs } from '../count-events';
import type { CompiledMeter } from '../meter';
import { levels } from '../rollup-store';
import type { MeterQuery } from './meter-query';
import type { Span, Windowing } from './plan-spans';

/** What raw events add where no rollup is fine enough: one row a (subject, groups, minute) or a distinct value. */
export interface EdgeRow {
  subject: string;
  /** JSON text of the group-by values. */
  groups: string;
  bucket: number;
  count: number;
  sum: string | null;
  min: string | null;
  max: string | null;
  latest: string | null;
  latestTime: number | null;
  latestSeq: number | null;
  /** For UNIQUE_COUNT; null otherwise. */
  value: string | null;
}

/** What a statement over rollups needs besides the query itself. */
export interface RollupQuestion {
  compiled: CompiledMeter;
  query: MeterQuery;
  windowing: Windowing;
  spans: readonly Span[];
  edges: readonly EdgeRow[];
  /** By filtered key: the values that pass. */
  allowed: ReadonlyMap<string, readonly string[]>;
  limit: number;
}

export interface RollupAnswer {
  /** The start of a fixed window, the position (from 1) of a listed one, 0 without windows. */
  window_key: number;
  value: string;
  /** The first and the last bucket with usage, of an answer without windows: the others need them not. */
  extent: { first: number; last: number } | undefined;
  /** The dimensions asked for, in their order. */
  dimensions: (string | null)[];
}

/** Collects the values of a statement and names them $1, $2, ... */
const createParameters = () => {
  const values: unknown[] = [];
  const add = (value: unknown): string => {
    values.push(value);
    return `$${values.length}`;
  };
  return { values, add };
};

type Parameters = ReturnType<typeof createParameters>;

const spanSource = (queryable: Queryable, { add }: Parameters, spans: readonly Span[]): string => {
  const { arrays } = queryable;
  return `unnest(${add(arrays.bigint(spans.map((span) => span.level)))}::bigint[],
    ${add(arrays.bigint(spans.map((span) => span.from)))}::bigint[],
    ${add(arrays.bigint(spans.map((span) => span.to)))}::bigint[]) AS q (level, from_bucket, to_bucket)`;
};

/** As literals, from which the planner knows how few series the coarse levels have. */
const levelsOf = (spans: readonly Span[]): string =>
  [...new Set(spans.map((span) => span.level))].sort((a, b) => a - b).join(', ');

/** The condition on series; the group-by filters hold at the level of detail alone, the only one that knows groups. */
const seriesCondition = (queryable: Queryable, { add }: Parameters, question: RollupQuestion): string => {
  const { compiled, query, allowed } = question;
  const conditions = [`s.meter_number = ${add(compiled.meter.number)}::bigint`];
  if (query.subjects) {
    // The whole-meter level has no subject, and is never asked about some.
    conditions.push(`s.subject = ANY (${add(queryable.arrays.text(query.subjects))}::text[])`);
  }
  for (const [key, values] of allowed) {
    conditions.push(
      `coalesce(s.groups ->> ${add(key)}::text, '') = ANY (${add(queryable.arrays.text(values))}::text[])`,
    );
  }
  return conditions.join(' AND ');
};

const isUnique = ({ compiled }: RollupQuestion): boolean => compiled.meter.aggregation === 'UNIQUE_COUNT';

const rollupColumns = 'count, sum, min, max, latest, latest_time, latest_seq';

/**
 * The rollups of all spans, with raw edges beside them. The lateral part with OFFSET 0 holds the planner to one range
 * scan of the primary key a (series, span), whatever it believes about their sizes.
 */
const source = (queryable: Queryable, parameters: Parameters, question: RollupQuestion): string => {
  const unique = isUnique(question);
  const columns = unique ? 'value' : rollupColumns;
  const table = unique ? 'rollup_value' : 'rollup';
  const parts: string[] = [];
  if (question.spans.length > 0) {
    parts.push(`SELECT s.subject, s.groups, r.*
      FROM ${spanSource(queryable, parameters, question.spans)}
      JOIN series s ON s.level = q.level AND s.level IN (${levelsOf(question.spans)})
        AND ${seriesCondition(queryable, parameters, question)}
      CROSS JOIN LATERAL (
        SELECT r.bucket, ${columns} FROM ${table} r
        WHERE r.series_id = s.id AND r.bucket >= q.from_bucket AND r.bucket < q.to_bucket OFFSET 0
      ) r`);
  }
  if (question.edges.length > 0 || parts.length === 0)
    parts.push(edgeSource(queryable, parameters, question.edges, unique));
  return parts.join(' UNION ALL ');
};

const edgeSource = (
  queryable: Queryable,
  { add }: Parameters,
  edges: readonly EdgeRow[],
  unique: boolean,
): string => {
  const { arrays } = queryable;
  const text = (read: (edge: EdgeRow) => string | null) => `${add(arrays.text(edges.map(read)))}::text[]`;
  const bigint = (read: (edge: EdgeRow) => number | null) =>
    `${add(arrays.bigint(edges.map(read)))}::bigint[]`;
  const numeric = (read: (edge: EdgeRow) => string | null) =>
    `${add(arrays.numeric(edges.map(read)))}::numeric[]`;
  const identity = [text((edge) => edge.subject), text((edge) => edge.groups), bigint((edge) => edge.bucket)];
  if (unique) {
    return `SELECT e.subject, e.groups::jsonb, e.bucket, e.value
      FROM unnest(${[...identity, text((edge) => edge.value)].join(', ')}) AS e (subject, groups, bucket, value)`;
  }
  const amounts = [
    bigint((edge) => edge.count),
    numeric((edge) => edge.sum),
    numeric((edge) => edge.min),
    numeric((edge) => edge.max),
    numeric((edge) => edge.latest),
    bigint((edge) => edge.latestTime),
    bigint((edge) => edge.latestSeq),
  ];
  return `SELECT e.subject, e.groups::jsonb, e.bucket, ${rollupColumns}
    FROM unnest(${[...identity, ...amounts].join(', ')}) AS e (subject, groups, bucket, ${rollupColumns})`;
};

const aggregate = {
  SUM: 'trim_scale(sum(p.sum))',
  COUNT: 'sum(p.count)',
  AVG: 'trim_scale(sum(p.sum) / sum(p.count))',
  MIN: 'trim_scale(min(p.min))',
  MAX: 'trim_scale(max(p.max))',
  UNIQUE_COUNT: 'count(DISTINCT p.value)',
  LATEST: 'trim_scale((array_agg(p.latest ORDER BY p.latest_time DESC, p.latest_seq DESC))[1])',
} as const;

const windowKey = (queryable: Queryable, { add }: Parameters, windowing: Windowing): string => {
  if (windowing.kind === 'none') return '0::bigint';
  if (windowing.kind === 'listed') {
    // A binary search in the array: the cost of a window does not grow with their number.
    return `width_bucket(p.bucket, ${add(queryable.arrays.bigint(windowing.starts))}::bigint[])::bigint`;
  }
  const size = `${add(windowing.sizeMs)}::bigint`;
  return `p.bucket - ((p.bucket % ${size}) + ${size}) % ${size}`;
};

const dimension = ({ add }: Parameters, key: string): string => {
  if (key === 'subject') return 'p.subject';
  if (key === 'customer_id') return 'c.customer_id';
  return `coalesce(p.groups ->> ${add(key)}::text, '')`;
};

const customerJoin = (queryable: Queryable, { add }: Parameters, query: MeterQuery): string => {
  if (!query.groupBy.includes('customer_id')) return '';
  const entries = [...(query.customers ?? [])];
  return `LEFT JOIN unnest(${add(queryable.arrays.text(entries.map(([subject]) => subject)))}::text[],
    ${add(queryable.arrays.text(entries.map(([, id]) => id)))}::text[]) AS c (subject, customer_id)
    ON c.subject = p.subject`;
};

/** Asks the rollups; one row a window and combination of dimensions, in their order. */
export const askRollups = async (queryable: Queryable, question: RollupQuestion): Promise<RollupAnswer[]> => {
  const parameters = createParameters();
  const { query, compiled } = question;
  const keys = query.groupBy.map((key, index) => `${dimension(parameters, key)} AS d${index}`);
  const columns = [`${windowKey(queryable, parameters, question.windowing)} AS window_key`, ...keys];
  const ordinals = columns.map((_, index) => index + 1).join(', ');
  const isWhole = question.windowing.kind === 'none';
  const text = `SELECT ${columns.join(', ')}, (${aggregate[compiled.meter.aggregation]})::text AS value
      ${isWhole ? ', min(p.bucket) AS first, max(p.bucket) AS last' : ''}
    FROM (${source(queryable, parameters, question)}) p ${customerJoin(queryable, parameters, query)}
    GROUP BY ${ordinals} ORDER BY ${ordinals} LIMIT ${parameters.add(question.limit)}::bigint`;
  const { rows } = await queryable.query<AnswerRow>(text, parameters.values);
  return rows.map((row) => ({
    window_key: row.window_key,
    value: row.value,
    extent: isWhole ? { first: row.first, last: row.last } : undefined,
    dimensions: keys.map((_, index) => row[`d${index}`] ?? null),
  }));
};

type AnswerRow = Record<'window_key' | 'first' | 'last', number> & { value: string } & Record<
    `d${number}`,
    string | null
  >;

/** The first and last bucket of a meter (hours where it has them); undefined when it has none. */
export const extentOf = async (
  queryable: Queryable,
  { meter }: CompiledMeter,
): Promise<{ from: number; to: number } | undefined> => {
  const level = meter.aggregation === 'UNIQUE_COUNT' ? levels.detail : levels.meter;
  const { rows } = await queryable.query<{ first: number | null; last: number | null }>(
    `SELECT min(r.first) AS first, max(r.last) AS last FROM series s
     CROSS JOIN LATERAL (
       SELECT min(bucket) AS first, max(bucket) AS last FROM rollup WHERE series_id = s.id
     ) r
     WHERE s.meter_number = $1 AND s.level = ${level}`,
    [meter.number],
  );
  const { first, last } = rows[0] ?? {};
  if (first == null || last == null) return undefined;
  return { from: first, to: last + hourMs };
};

/** The distinct values of a group-by key, or the subjects of a meter, with usage in [from, to); whole minutes or hours. */
export const distinctOf = async (
  queryable: Queryable,
  { meter }: CompiledMeter,
  what: { key: string } | 'subject',
  from: number,
  to: number,
): Promise<string[]> => {
  // Every meter has its detail; hours are kept for all but UNIQUE_COUNT.
  const isHourly = what === 'subject' && meter.aggregation !== 'UNIQUE_COUNT';
  const floor = isHourly && from % hourMs === 0 && to % hourMs === 0;
  const { rows } = await queryable.query<{ value: string }>(
    `SELECT DISTINCT ${what === 'subject' ? 's.subject' : `coalesce(s.groups ->> $5::text, '')`} AS value
     FROM series s
     WHERE s.meter_number = $1 AND s.level = $2 AND EXISTS (
       SELECT 1 FROM rollup r WHERE r.series_id = s.id AND r.bucket >= $3::bigint AND r.bucket < $4::bigint
     ) ORDER BY value`,
    [
      meter.number,
      floor ? levels.subject : levels.detail,
      from,
      to,
      ...(what === 'subject' ? [] : [what.key]),
    ],
  );
  return rows.map((row) => row.value);
};

/** All values that a group-by key ever had. */
export const valuesOfKey = async (
  queryable: Queryable,
  { meter }: CompiledMeter,
  key: string,
): Promise<string[]> => {
  const { rows } = await queryable.query<{ value: string }>(
    `SELECT DISTINCT coalesce(groups ->> $2::text, '') AS value FROM series WHERE meter_number = $1 AND level = 0`,
    [meter.number, key],
  );
  return rows.map((row) => row.value);
};
