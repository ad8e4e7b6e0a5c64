import type { FeaturesByMeter } from '../catalog';
import { type CountedBatch, type CountedSeries, matchesGroups, sumText } from '../metering';
import { formatQuantity, toQuantity, ZERO } from '../primitives/decimal';

/** What a batch adds to the usage of one feature by one subject. */
export interface UsageDelta {
  featureId: string;
  subject: string;
  /** Decimal text; null where the amount is no sum (UNIQUE_COUNT, LATEST) and the usage must be read again. */
  amount: string | null;
  /** The first and last event time in it, epoch milliseconds. */
  minTime: number;
  maxTime: number;
}

/** The usage that a counted batch adds to features, one row a (feature, subject), in their order; pure. */
export const usageDeltas = (features: FeaturesByMeter, batch: CountedBatch): UsageDelta[] => {
  const deltas = new Map<string, UsageDelta>();
  for (const series of batch.values()) {
    for (const feature of features.get(series.compiled.meter.id) ?? []) {
      if (!matchesGroups(feature.filters, groupsOf(series))) continue;
      addSeries(deltas, feature.id, series);
    }
  }
  return [...deltas.values()].sort(
    (a, b) => compare(a.featureId, b.featureId) || compare(a.subject, b.subject),
  );
};

const groupsOf = (series: CountedSeries): Record<string, string> =>
  Object.fromEntries(series.compiled.groupKeys.map((key, index) => [key, series.groupValues[index]!]));

const addSeries = (deltas: Map<string, UsageDelta>, featureId: string, series: CountedSeries): void => {
  const key = `${featureId}\u0000${series.subject}`;
  const { aggregation } = series.compiled.meter;
  for (const partial of series.partials.values()) {
    const amount =
      aggregation === 'COUNT' ? String(partial.count) : aggregation === 'SUM' ? sumText(partial.sum) : null;
    const delta = deltas.get(key);
    if (!delta) {
      const { minTime, maxTime } = partial;
      deltas.set(key, { featureId, subject: series.subject, amount, minTime, maxTime });
      continue;
    }
    delta.amount = delta.amount === null || amount === null ? null : addTexts(delta.amount, amount);
    delta.minTime = Math.min(delta.minTime, partial.minTime);
    delta.maxTime = Math.max(delta.maxTime, partial.maxTime);
  }
};

const addTexts = (left: string, right: string): string => {
  const sum = Number(left) + Number(right);
  if (
    Number.isSafeInteger(sum) &&
    left.length < 16 &&
    right.length < 16 &&
    !left.includes('.') &&
    !right.includes('.')
  ) {
    return String(sum);
  }
  return formatQuantity(ZERO.plus(toQuantity(left)).plus(toQuantity(right)));
};

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
