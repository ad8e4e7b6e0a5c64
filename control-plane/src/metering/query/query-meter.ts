import { hasEventsBetween } from '../../events';
import { TooManyPeriodsError, windowsOf } from '../../primitives/periods';
import { invalid } from '../../primitives/refusal';
import type { Queryable } from '../../storage';
import { hourMs, minuteMs } from '../count-events';
import { matchesText, type TextFilter } from '../group-filter';
import type { CompiledMeter } from '../meter';
import { levels } from '../rollup-store';
import type { MeterQuery, MeterQueryRow } from './meter-query';
import { beginningOfTime, ceilTo, endOfTime, floorTo, planSpans, type Windowing } from './plan-spans';
import { askRollups, extentOf, type RollupAnswer, type RollupQuestion, valuesOfKey } from './query-store';
import { readEdges } from './read-edges';

/** Rows of one answer at most. */
const rowLimit = 100_000;
/** The calendar of a zone is asked for each of them: more would keep the process from answering others. */
const windowLimit = 20_000;

const tooMuch = (what: string): Error =>
  invalid(
    'query_too_large',
    `the answer would have more than ${what}; narrow from and to, or choose a larger windowSize`,
  );

/**
 * Answers a question to a meter from its rollups, in the order of windows and dimensions. Raw events are read only where
 * `from` or `to` cut a minute in which there are events on both sides.
 *
 * @throws Refusal `query_too_large`
 */
export const queryMeter = async (
  queryable: Queryable,
  compiled: CompiledMeter,
  query: MeterQuery,
): Promise<MeterQueryRow[]> => {
  if (query.subjects?.length === 0) return [];
  const windowing = await windowingOf(queryable, compiled, query);
  if (!windowing) return [];
  const allowed = await allowedValues(queryable, compiled, query);
  if ([...allowed.values()].some((values) => values.length === 0)) return [];
  const base = { compiled, query, windowing, allowed, limit: rowLimit + 1 };
  const answers = await askExactly(queryable, base);
  if (answers.length > rowLimit) throw tooMuch(`${rowLimit} rows`);
  return rowsOf(query, windowing, await withMinutes(queryable, base, answers));
};

/** Undefined when the meter has no usage at all. */
const windowingOf = async (
  queryable: Queryable,
  compiled: CompiledMeter,
  query: MeterQuery,
): Promise<Windowing | undefined> => {
  const { windowSize, timeZone } = query;
  if (windowSize === undefined) return { kind: 'none' };
  // Offsets of zones are whole minutes, so that a minute is one everywhere.
  if (windowSize === 'MINUTE') return { kind: 'fixed', sizeMs: minuteMs };
  if (timeZone === 'UTC' && windowSize !== 'MONTH')
    return { kind: 'fixed', sizeMs: windowSize === 'HOUR' ? hourMs : 24 * hourMs };
  const extent = await extentOf(queryable, compiled);
  if (!extent) return undefined;
  const from = Math.max(query.from ?? beginningOfTime, extent.from);
  const to = Math.min(query.to ?? endOfTime, extent.to);
  if (from >= to) return undefined;
  try {
    const windows = windowsOf(from, to, windowSize, timeZone, windowLimit);
    return { kind: 'listed', starts: [...windows.map((window) => window.from), windows.at(-1)!.to] };
  } catch (error) {
    if (error instanceof TooManyPeriodsError) throw tooMuch(`${windowLimit} windows`);
    throw error;
  }
};

/** The values that pass the filter of each filtered key. */
const allowedValues = async (
  queryable: Queryable,
  compiled: CompiledMeter,
  query: MeterQuery,
): Promise<Map<string, readonly string[]>> => {
  const allowed = new Map<string, readonly string[]>();
  for (const [key, filter] of Object.entries(query.filters)) {
    const named = namedValues(filter);
    const candidates = named ?? (await valuesOfKey(queryable, compiled, key));
    allowed.set(
      key,
      candidates.filter((value) => matchesText(filter, value)),
    );
  }
  return allowed;
};

/** The values that a filter names itself, so that they need not be looked up. */
const namedValues = ({ $eq, $in }: TextFilter): readonly string[] | undefined =>
  $eq === undefined ? $in : [$eq];

type BaseQuestion = Omit<RollupQuestion, 'spans' | 'edges'>;

const boundariesOf = (windowing: Windowing): readonly number[] =>
  windowing.kind === 'listed' ? windowing.starts : [];

/** The level of hours that holds what is asked for; undefined where only minutes do. */
const hourLevelOf = ({ compiled, query, windowing }: BaseQuestion): number | undefined => {
  const isDetailed =
    compiled.meter.aggregation === 'UNIQUE_COUNT' ||
    (windowing.kind === 'fixed' && windowing.sizeMs < hourMs) ||
    Object.keys(query.filters).length > 0 ||
    query.groupBy.some((key) => key !== 'subject' && key !== 'customer_id');
  if (isDetailed) return undefined;
  return query.subjects || query.groupBy.length > 0 ? levels.subject : levels.meter;
};

const askExactly = async (queryable: Queryable, base: BaseQuestion): Promise<RollupAnswer[]> => {
  const { query, compiled } = base;
  const from = query.from ?? beginningOfTime;
  const to = query.to ?? endOfTime;
  const ask = (start: number, end: number, edges: RollupQuestion['edges']) =>
    askRollups(queryable, {
      ...base,
      edges,
      spans: planSpans(start, end, boundariesOf(base.windowing), hourLevelOf(base)),
    });
  // Mostly no event lies in the rest of a cut minute (`to` is the present, say), so that the whole minute is as good. To
  // look after the rollups were read is right: events never go away, so none was there then either.
  const answers = await ask(floorTo(from, minuteMs), ceilTo(to, minuteMs), []);
  const outside = [
    { from: floorTo(from, minuteMs), to: from },
    { from: to, to: ceilTo(to, minuteMs) },
  ].filter((span) => span.from < span.to);
  const { eventType: type } = compiled.meter;
  const isExact = !(await anyOf(outside, (span) =>
    hasEventsBetween(queryable, { type, subjects: query.subjects, ...span }),
  ));
  if (isExact) return answers;

  const start = ceilTo(from, minuteMs);
  const end = floorTo(to, minuteMs);
  const inside =
    start > end
      ? [{ from, to }]
      : [
          { from, to: start },
          { from: end, to },
        ];
  const edges = await readEdges(
    queryable,
    compiled,
    query,
    inside.filter((span) => span.from < span.to),
  );
  return ask(start, end, edges);
};

const anyOf = async <T>(items: readonly T[], holds: (item: T) => Promise<boolean>): Promise<boolean> => {
  for (const item of items) if (await holds(item)) return true;
  return false;
};

/**
 * Without windows and without `from` or `to` the answer says from which minute to which there was usage. Hours only tell
 * which hours those are; their minutes are read.
 */
const withMinutes = async (
  queryable: Queryable,
  base: BaseQuestion,
  answers: readonly RollupAnswer[],
): Promise<readonly RollupAnswer[]> => {
  const { query, windowing } = base;
  const isOpen = query.from === undefined || query.to === undefined;
  if (windowing.kind !== 'none' || !isOpen || hourLevelOf(base) === undefined) return answers;
  const hours = new Set(
    answers.flatMap(({ extent }) => [floorTo(extent!.first, hourMs), floorTo(extent!.last, hourMs)]),
  );
  const spans = [...hours].map((from) => ({ level: levels.detail, from, to: from + hourMs }));
  const clipped = spans.map((span) => ({
    ...span,
    from: Math.max(span.from, floorTo(query.from ?? beginningOfTime, minuteMs)),
    to: Math.min(span.to, ceilTo(query.to ?? endOfTime, minuteMs)),
  }));
  const minutes = await askRollups(queryable, { ...base, spans: clipped, edges: [] });
  const byDimensions = new Map(minutes.map((answer) => [JSON.stringify(answer.dimensions), answer]));
  return answers.map((answer) => {
    const { extent } = byDimensions.get(JSON.stringify(answer.dimensions)) ?? answer;
    return { ...answer, extent };
  });
};

const windowOf = (query: MeterQuery, windowing: Windowing, answer: RollupAnswer) => {
  if (windowing.kind === 'fixed')
    return { windowStart: answer.window_key, windowEnd: answer.window_key + windowing.sizeMs };
  if (windowing.kind === 'listed') {
    const { starts } = windowing;
    return { windowStart: starts[answer.window_key - 1]!, windowEnd: starts[answer.window_key]! };
  }
  const { first, last } = answer.extent!;
  return {
    windowStart: query.from ?? floorTo(first, minuteMs),
    windowEnd: query.to ?? floorTo(last, minuteMs) + minuteMs,
  };
};

const rowsOf = (query: MeterQuery, windowing: Windowing, answers: readonly RollupAnswer[]): MeterQueryRow[] =>
  answers.map((answer) => {
    const row: MeterQueryRow = {
      value: answer.value,
      ...windowOf(query, windowing, answer),
      subject: null,
      customerId: undefined,
      groups: {},
    };
    query.groupBy.forEach((key, index) => {
      const value = answer.dimensions[index] ?? null;
      if (key === 'subject') row.subject = value;
      else if (key === 'customer_id') row.customerId = value ?? undefined;
      else row.groups[key] = value ?? '';
    });
    return row;
  });
