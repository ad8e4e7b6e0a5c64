import { eventPages } from '../../events';
import { formatQuantity, toQuantity } from '../../primitives/decimal';
import type { Queryable } from '../../storage';
import { type CountedSeries, countEvents, type Partial, sumText } from '../count-events';
import { matchesGroups } from '../group-filter';
import type { CompiledMeter } from '../meter';
import type { MeterQuery } from './meter-query';
import type { EdgeRow } from './query-store';

/** What the raw events in [from, to) add, as rollups would have it. Meant for spans below a minute. */
export const readEdges = async (
  queryable: Queryable,
  compiled: CompiledMeter,
  query: Pick<MeterQuery, 'subjects' | 'filters'>,
  spans: readonly { from: number; to: number }[],
): Promise<EdgeRow[]> => {
  const { meter } = compiled;
  const meters = new Map([[meter.eventType, [compiled]]]);
  const rows: EdgeRow[] = [];
  for (const span of spans) {
    const pages = eventPages(queryable, { type: meter.eventType, subjects: query.subjects, ...span });
    for await (const events of pages) {
      const seqs = events.map((event) => event.seq);
      for (const series of countEvents(meters, events, undefined, seqs).values()) {
        const groups = groupsOf(series);
        if (!matchesGroups(query.filters, groups)) continue;
        const text = JSON.stringify(groups);
        for (const partial of series.partials.values())
          rows.push(...edgeRowsOf(series.subject, text, partial));
      }
    }
  }
  return rows;
};

const groupsOf = ({ compiled, groupValues }: CountedSeries): Record<string, string> =>
  Object.fromEntries(compiled.groupKeys.map((key, index) => [key, groupValues[index]!]));

const edgeRowsOf = (subject: string, groups: string, partial: Partial): EdgeRow[] => {
  const row: EdgeRow = {
    subject,
    groups,
    bucket: partial.bucket,
    count: partial.count,
    sum: sumText(partial.sum),
    min: partial.min ? formatQuantity(partial.min) : null,
    max: partial.max ? formatQuantity(partial.max) : null,
    latest: partial.latest ? formatQuantity(toQuantity(partial.latest.value)) : null,
    latestTime: partial.latest?.time ?? null,
    latestSeq: partial.latest?.seq ?? null,
    value: null,
  };
  if (!partial.values) return [row];
  return [...partial.values].map((value) => ({ ...row, value }));
};
