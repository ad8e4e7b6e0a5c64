import { eventsOfSpans, type StoredEvent } from '../events';
import { type Quantity, toQuantity, ZERO } from '../primitives/decimal';
import type { Queryable } from '../storage';
import { hourMs, minuteMs } from './count-events';
import { type GroupFilter, matchesGroups } from './group-filter';
import type { CompiledMeter } from './meter';
import { isPausedFor } from './meter-pauses';
import { readGroupValue, readValue } from './read-value';
import { levels } from './rollup-store';

/** A question to a meter: what some subjects used in [from, to), epoch milliseconds. */
export interface UsageRequest {
  compiled: CompiledMeter;
  subjects: readonly string[];
  filters: GroupFilter;
  from: number;
  to: number;
}

interface Span {
  request: number;
  level: number;
  from: number;
  to: number;
}

const floorTo = (value: number, size: number): number => Math.floor(value / size) * size;
const ceilTo = (value: number, size: number): number => Math.ceil(value / size) * size;

/** How [from, to) is made up of whole hours, whole minutes and, at its edges, parts of a minute. */
const divide = (
  request: UsageRequest,
  index: number,
): { spans: Span[]; edges: { from: number; to: number }[] } => {
  const { from, to } = request;
  if (from >= to) return { spans: [], edges: [] };
  const firstMinute = ceilTo(from, minuteMs);
  const lastMinute = floorTo(to, minuteMs);
  if (firstMinute > lastMinute) return { spans: [], edges: [{ from, to }] };
  const edges = [
    { from, to: firstMinute },
    { from: lastMinute, to },
  ].filter((edge) => edge.from < edge.to);
  const detail = (start: number, end: number): Span => ({
    request: index,
    level: levels.detail,
    from: start,
    to: end,
  });
  const canUseHours =
    Object.keys(request.filters).length === 0 && request.compiled.meter.aggregation !== 'UNIQUE_COUNT';
  const firstHour = ceilTo(firstMinute, hourMs);
  const lastHour = floorTo(lastMinute, hourMs);
  const spans =
    canUseHours && firstHour < lastHour
      ? [
          detail(firstMinute, firstHour),
          { request: index, level: levels.subject, from: firstHour, to: lastHour },
          detail(lastHour, lastMinute),
        ]
      : [detail(firstMinute, lastMinute)];
  return { spans: spans.filter((span) => span.from < span.to), edges };
};

/**
 * Answers many questions with few statements; undefined where no event is there. SUM and COUNT add up, LATEST is the value
 * of the event with the greatest (time, order of ingestion), UNIQUE_COUNT the number of distinct values.
 */
export const readUsage = async (
  queryable: Queryable,
  requests: readonly UsageRequest[],
): Promise<(Quantity | undefined)[]> => {
  const collectors = requests.map((request) => createCollector(request));
  const divided = requests.map(divide);
  const spans = divided.flatMap((part) => part.spans);
  const isUnique = (span: Span) => requests[span.request]!.compiled.meter.aggregation === 'UNIQUE_COUNT';
  const edges = divided.flatMap((part, request) => part.edges.map((edge) => ({ ...edge, request })));
  await Promise.all([
    readRollups(
      queryable,
      requests,
      spans.filter((span) => !isUnique(span)),
      collectors,
    ),
    readValues(queryable, requests, spans.filter(isUnique), collectors),
    readEdges(queryable, requests, edges, collectors),
  ]);
  return collectors.map((collector) => collector.result());
};

interface RollupRow {
  request: number;
  groups: Record<string, string>;
  count: number;
  sum: string | null;
  latest: string | null;
  latest_time: number | null;
  latest_seq: number | null;
}

const createCollector = ({ compiled }: UsageRequest) => {
  const { aggregation } = compiled.meter;
  let count = 0;
  let sum = ZERO;
  let latest: { value: Quantity; time: number; seq: number } | undefined;
  const values = new Set<string>();
  return {
    addSum: (events: number, amount: Quantity): void => {
      count += events;
      sum = sum.plus(amount);
    },
    addLatest: (value: Quantity, time: number, seq: number): void => {
      if (!latest || time > latest.time || (time === latest.time && seq > latest.seq))
        latest = { value, time, seq };
    },
    addValue: (value: string): void => {
      values.add(value);
    },
    result: (): Quantity | undefined => {
      if (aggregation === 'LATEST') return latest?.value;
      if (aggregation === 'UNIQUE_COUNT') return values.size > 0 ? toQuantity(values.size) : undefined;
      if (count === 0) return undefined;
      return aggregation === 'COUNT' ? toQuantity(count) : sum;
    },
  };
};

type Collector = ReturnType<typeof createCollector>;

/** One row a (span, subject), as arrays for unnest. */
const spanParameters = (queryable: Queryable, requests: readonly UsageRequest[], spans: readonly Span[]) => {
  const rows = spans.flatMap((span) => {
    const { compiled, subjects } = requests[span.request]!;
    return subjects.map((subject) => ({ ...span, subject, meterNumber: compiled.meter.number }));
  });
  const { arrays } = queryable;
  return [
    arrays.bigint(rows.map((row) => row.request)),
    arrays.bigint(rows.map((row) => row.meterNumber)),
    arrays.bigint(rows.map((row) => row.level)),
    arrays.text(rows.map((row) => row.subject)),
    arrays.bigint(rows.map((row) => row.from)),
    arrays.bigint(rows.map((row) => row.to)),
  ];
};

const spanJoin = `FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[])
    AS q (request, meter_number, level, subject, from_bucket, to_bucket)
  JOIN series s ON s.meter_number = q.meter_number AND s.level = q.level AND s.subject = q.subject`;

const rollupsStatement = `SELECT q.request, s.groups, sum(r.count)::bigint AS count, sum(r.sum) AS sum,
    (array_agg(r.latest ORDER BY r.latest_time DESC, r.latest_seq DESC) FILTER (WHERE r.latest IS NOT NULL))[1] AS latest,
    (array_agg(r.latest_seq ORDER BY r.latest_time DESC, r.latest_seq DESC) FILTER (WHERE r.latest IS NOT NULL))[1] AS latest_seq,
    max(r.latest_time) AS latest_time
  ${spanJoin}
  JOIN rollup r ON r.series_id = s.id AND r.bucket >= q.from_bucket AND r.bucket < q.to_bucket
  GROUP BY q.request, s.groups`;

const readRollups = async (
  queryable: Queryable,
  requests: readonly UsageRequest[],
  spans: readonly Span[],
  collectors: readonly Collector[],
): Promise<void> => {
  if (spans.length === 0) return;
  const { rows } = await queryable.query<RollupRow>(
    rollupsStatement,
    spanParameters(queryable, requests, spans),
  );
  for (const row of rows) {
    if (!matchesGroups(requests[row.request]!.filters, row.groups)) continue;
    const collector = collectors[row.request]!;
    if (row.latest !== null) collector.addLatest(toQuantity(row.latest), row.latest_time!, row.latest_seq!);
    else collector.addSum(row.count, row.sum === null ? ZERO : toQuantity(row.sum));
  }
};

const valuesStatement = `SELECT DISTINCT q.request, s.groups, v.value
  ${spanJoin}
  JOIN rollup_value v ON v.series_id = s.id AND v.bucket >= q.from_bucket AND v.bucket < q.to_bucket`;

const readValues = async (
  queryable: Queryable,
  requests: readonly UsageRequest[],
  spans: readonly Span[],
  collectors: readonly Collector[],
): Promise<void> => {
  if (spans.length === 0) return;
  const { rows } = await queryable.query<{ request: number; groups: Record<string, string>; value: string }>(
    valuesStatement,
    spanParameters(queryable, requests, spans),
  );
  for (const row of rows) {
    if (matchesGroups(requests[row.request]!.filters, row.groups))
      collectors[row.request]!.addValue(row.value);
  }
};

/** A part of a minute at the start or the end of a request's span. */
interface Edge {
  request: number;
  from: number;
  to: number;
}

/** Edges in whose minute anything was counted: the others need no look at the events, which is what costs. */
const edgesWithUsage = async (
  queryable: Queryable,
  requests: readonly UsageRequest[],
  edges: readonly Edge[],
): Promise<Edge[]> => {
  if (edges.length === 0) return [];
  const minutes = edges.map(({ from }, index): Span => {
    const minute = floorTo(from, minuteMs);
    return { request: index, level: levels.detail, from: minute, to: minute + 1 };
  });
  const { rows } = await queryable.query<{ request: number }>(
    `SELECT DISTINCT q.request ${spanJoin} JOIN rollup r ON r.series_id = s.id AND r.bucket = q.from_bucket`,
    spanParameters(
      queryable,
      edges.map(({ request }) => requests[request]!),
      minutes,
    ),
  );
  return rows.map((row) => edges[row.request]!);
};

const readEdges = async (
  queryable: Queryable,
  requests: readonly UsageRequest[],
  all: readonly Edge[],
  collectors: readonly Collector[],
): Promise<void> => {
  const edges = await edgesWithUsage(queryable, requests, all);
  const found = await eventsOfSpans(
    queryable,
    edges.map(({ request, from, to }) => {
      const { compiled, subjects } = requests[request]!;
      return { type: compiled.meter.eventType, subjects, from, to };
    }),
  );
  for (const [index, { request }] of edges.entries())
    for (const event of found[index]!) collectEvent(requests[request]!, event, collectors[request]!);
};

const collectEvent = (
  { compiled, filters }: UsageRequest,
  event: StoredEvent,
  collector: Collector,
): void => {
  const { meter } = compiled;
  if (meter.eventFrom !== null && event.time < meter.eventFrom) return;
  if (isPausedFor(meter, event.seq)) return;
  const groups = Object.fromEntries(
    compiled.groupKeys.map((key, index) => [key, readGroupValue(compiled.groupReaders[index]!(event.data))]),
  );
  if (!matchesGroups(filters, groups)) return;
  const value = readValue(compiled, event);
  if ('error' in value) return;
  if ('text' in value) collector.addValue(value.text);
  else if (meter.aggregation === 'LATEST')
    collector.addLatest(toQuantity(value.amount), event.time, event.seq);
  else collector.addSum(1, toQuantity(value.amount));
};
