import type { UsageEvent } from '../events';
import { formatQuantity, type Quantity, toQuantity } from '../primitives/decimal';
import type { CompiledMeter } from './meter';
import { isPausedFor } from './meter-pauses';
import { readGroupValue, readValue } from './read-value';

export const minuteMs = 60_000;
export const hourMs = 3_600_000;

/** An exact sum that stays a plain integer as long as it can. */
export interface ExactSum {
  integer: number;
  rest: Quantity | undefined;
}

export const addToSum = (sum: ExactSum, amount: number | string): void => {
  if (typeof amount === 'number') {
    const integer = sum.integer + amount;
    if (Number.isSafeInteger(integer)) {
      sum.integer = integer;
      return;
    }
  }
  const quantity = toQuantity(amount);
  sum.rest = sum.rest ? sum.rest.plus(quantity) : quantity;
};

export const sumText = (sum: ExactSum | undefined): string =>
  !sum ? '0' : sum.rest ? formatQuantity(sum.rest.plus(sum.integer)) : String(sum.integer);

/** What the events of a batch add to one series in one bucket. */
export interface Partial {
  bucket: number;
  count: number;
  /** Of SUM and AVG alone. */
  sum: ExactSum | undefined;
  min: Quantity | undefined;
  max: Quantity | undefined;
  latest: { value: string; time: number; seq: number } | undefined;
  /** Distinct values of UNIQUE_COUNT. */
  values: Set<string> | undefined;
  /** The first and last event time in it, epoch milliseconds. */
  minTime: number;
  maxTime: number;
}

/** One subject and one combination of group-by values of one meter, with what a batch adds to it by minute. */
export interface CountedSeries {
  compiled: CompiledMeter;
  subject: string;
  /** In the order of `compiled.groupKeys`. */
  groupValues: string[];
  /** One a minute, in no order. */
  partials: Partial[];
}

/** By a text that is unique to meter, group-by keys, subject and group-by values. */
export type CountedBatch = Map<string, CountedSeries>;

/** Meters by the event type that they read. */
export type MetersByType = ReadonlyMap<string, readonly CompiledMeter[]>;

/**
 * What events add to the meters that read them; pure. An event that a meter cannot read adds nothing to that meter.
 *
 * @param counts which events to count by position; all when undefined. The order of ingestion that LATEST needs is the
 *   position within the batch; whoever stores the result adds where the batch begins.
 * @param seqs the order of ingestion of stored events, by position; their positions where undefined
 */
export const countEvents = (
  meters: MetersByType,
  events: readonly UsageEvent[],
  counts?: ReadonlySet<number>,
  seqs?: readonly number[],
): CountedBatch => {
  const batch: CountedBatch = new Map();
  for (let position = 0; position < events.length; position += 1) {
    if (counts && !counts.has(position)) continue;
    const event = events[position]!;
    for (const compiled of meters.get(event.type) ?? []) {
      // Ingest, which knows no sequence numbers yet, does not get the meters that are deactivated.
      if (seqs && isPausedFor(compiled.meter, seqs[position]!)) continue;
      countEvent(batch, compiled, event, seqs ? seqs[position]! : position);
    }
  }
  return batch;
};

const countEvent = (batch: CountedBatch, compiled: CompiledMeter, event: UsageEvent, seq: number): void => {
  const { meter } = compiled;
  if (meter.eventFrom !== null && event.time < meter.eventFrom) return;
  const value = readValue(compiled, event);
  if ('error' in value) return;

  let key = `${compiled.keyPrefix}\u0000${event.subject}`;
  const { groupReaders } = compiled;
  const groupValues: string[] = new Array(groupReaders.length);
  for (let index = 0; index < groupReaders.length; index += 1) {
    const groupValue = readGroupValue(groupReaders[index]!(event.data));
    groupValues[index] = groupValue;
    key += `\u0000${groupValue}`;
  }
  let series = batch.get(key);
  if (!series) {
    series = { compiled, subject: event.subject, groupValues, partials: [] };
    batch.set(key, series);
  }
  const bucket = event.time - mod(event.time, minuteMs);
  addToPartial(partialOf(series.partials, bucket, event.time), compiled, value, event.time, seq);
};

/** The partial of a bucket, made where it is missing. Most batches touch one minute, so the last one is nearly always it. */
export const partialOf = (partials: Partial[], bucket: number, time: number): Partial => {
  for (let index = partials.length - 1; index >= 0; index -= 1) {
    if (partials[index]!.bucket === bucket) return partials[index]!;
  }
  const partial = emptyPartial(bucket, time);
  partials.push(partial);
  return partial;
};

const mod = (value: number, size: number): number => ((value % size) + size) % size;

/** A partial that no event was added to yet. */
export const emptyPartial = (bucket: number, time: number): Partial => ({
  bucket,
  count: 0,
  sum: undefined,
  min: undefined,
  max: undefined,
  latest: undefined,
  values: undefined,
  minTime: time,
  maxTime: time,
});

const addToPartial = (
  partial: Partial,
  compiled: CompiledMeter,
  value: { amount: number | string } | { text: string },
  time: number,
  seq: number,
): void => {
  partial.count += 1;
  if (time < partial.minTime) partial.minTime = time;
  if (time > partial.maxTime) partial.maxTime = time;
  if ('text' in value) {
    partial.values ??= new Set();
    partial.values.add(value.text);
    return;
  }
  switch (compiled.meter.aggregation) {
    case 'COUNT':
      return;
    case 'SUM':
    case 'AVG':
      partial.sum ??= { integer: 0, rest: undefined };
      addToSum(partial.sum, value.amount);
      return;
    case 'MIN': {
      const amount = toQuantity(value.amount);
      if (!partial.min || amount.lt(partial.min)) partial.min = amount;
      return;
    }
    case 'MAX': {
      const amount = toQuantity(value.amount);
      if (!partial.max || amount.gt(partial.max)) partial.max = amount;
      return;
    }
    case 'LATEST': {
      const { latest } = partial;
      if (!latest || time > latest.time || (time === latest.time && seq > latest.seq)) {
        partial.latest = { value: String(value.amount), time, seq };
      }
    }
  }
};
