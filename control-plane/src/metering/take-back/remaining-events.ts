import { eventPages, type PlacedEvent } from '../../events';
import type { Transaction } from '../../storage';
import { type CountedSeries, countEvents, emptyPartial, minuteMs } from '../count-events';
import { merge } from '../rollup-store';
import type { HasCounted } from './meters-that-counted';
import { type Extremes, extremesOf } from './take-back-store';

/** What the events of a minute make of a series. */
export interface RemainingEvents {
  extremes: Extremes;
  /** Distinct values of UNIQUE_COUNT. */
  values: ReadonlySet<string>;
}

/** Counts the raw events that a series still has in the minute of an event that was taken back, in pages. */
export const remainingInMinute = async (
  transaction: Transaction,
  { compiled, subject, groupValues, partials }: CountedSeries,
  event: PlacedEvent,
  hasCounted: HasCounted,
): Promise<RemainingEvents> => {
  const { bucket } = partials[0]!;
  const sum = emptyPartial(bucket, event.time);
  const values = new Set<string>();
  const span = { type: event.type, subjects: [subject], from: bucket, to: bucket + minuteMs };
  for await (const page of eventPages(transaction, span)) {
    const events = page.filter((one) => hasCounted(compiled, one));
    const seqs = events.map(({ seq }) => seq);
    for (const series of countEvents(new Map([[event.type, [compiled]]]), events, undefined, seqs).values()) {
      if (series.groupValues.some((value, index) => value !== groupValues[index])) continue;
      for (const partial of series.partials) {
        merge(sum, partial);
        for (const value of partial.values ?? []) values.add(value);
      }
    }
  }
  return { extremes: extremesOf(sum), values };
};
