import type { FeaturesByMeter } from '../catalog';
import {
  addToSum,
  type CountedBatch,
  type CountedSeries,
  type ExactSum,
  matchesGroups,
  type Partial,
  sumText,
} from '../metering';
import { formatQuantity } from '../primitives/decimal';

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

type Adding = Omit<UsageDelta, 'amount'> & { sum: ExactSum | undefined };

/** The usage that a counted batch adds to features, one row a (feature, subject), in their order; pure. */
export const usageDeltas = (features: FeaturesByMeter, batch: CountedBatch): UsageDelta[] => {
  const byFeature = new Map<string, Map<string, Adding>>();
  for (const series of batch.values()) {
    for (const feature of features.get(series.compiled.meter.id) ?? []) {
      if (!isEmpty(feature.filters) && !matchesGroups(feature.filters, groupsOf(series))) continue;
      let bySubject = byFeature.get(feature.id);
      if (!bySubject) {
        bySubject = new Map();
        byFeature.set(feature.id, bySubject);
      }
      addSeries(bySubject, feature.id, series);
    }
  }
  return [...byFeature.values()]
    .flatMap((bySubject) => [...bySubject.values()])
    .sort((a, b) => compare(a.featureId, b.featureId) || compare(a.subject, b.subject))
    .map(({ featureId, subject, sum, minTime, maxTime }) => ({
      featureId,
      subject,
      amount: sum ? sumText(sum) : null,
      minTime,
      maxTime,
    }));
};

const isEmpty = (filters: object): boolean => {
  for (const _ in filters) return false;
  return true;
};

const groupsOf = (series: CountedSeries): Record<string, string> =>
  Object.fromEntries(series.compiled.groupKeys.map((key, index) => [key, series.groupValues[index]!]));

const addSeries = (deltas: Map<string, Adding>, featureId: string, series: CountedSeries): void => {
  const { aggregation } = series.compiled.meter;
  const isSum = aggregation === 'COUNT' || aggregation === 'SUM';
  for (const partial of series.partials) {
    let delta = deltas.get(series.subject);
    if (!delta) {
      const { minTime, maxTime } = partial;
      const sum = isSum ? { integer: 0, rest: undefined } : undefined;
      delta = { featureId, subject: series.subject, sum, minTime, maxTime };
      deltas.set(series.subject, delta);
    }
    if (delta.sum) addPartial(delta.sum, partial, aggregation === 'COUNT');
    delta.minTime = Math.min(delta.minTime, partial.minTime);
    delta.maxTime = Math.max(delta.maxTime, partial.maxTime);
  }
};

const addPartial = (sum: ExactSum, partial: Partial, isCount: boolean): void => {
  if (isCount) {
    addToSum(sum, partial.count);
  } else if (partial.sum) {
    addToSum(sum, partial.sum.integer);
    if (partial.sum.rest) addToSum(sum, formatQuantity(partial.sum.rest));
  }
};

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
