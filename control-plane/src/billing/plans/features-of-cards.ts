import { type Feature, findFeature } from '../../catalog';
import type { Queryable } from '../../storage';
import type { RateCard } from './rate-card';

/** The active features that rate cards name, by key; one that is missing here is unknown or archived. */
export const featuresOfCards = async (
  queryable: Queryable,
  cards: readonly RateCard[],
): Promise<Map<string, Feature>> => {
  const features = new Map<string, Feature>();
  for (const key of new Set(cards.flatMap(({ featureKey }) => featureKey ?? []))) {
    const feature = await findFeature(queryable, key);
    if (feature && feature.archivedAt === null) features.set(key, feature);
  }
  return features;
};
