export type { Feature } from './feature';
export {
  createFeatureRegistry,
  type FeatureFilter,
  type FeatureRegistry,
  type FeaturesByMeter,
  featureIdsByKey,
  featureOf,
  findFeature,
  listFeatures,
  metersOfFeatures,
  searchFeatures,
} from './feature-store';
export { createFeatures, type FeatureDetails, type Features } from './features';
export { featureMeterGuard } from './meter-guard';
