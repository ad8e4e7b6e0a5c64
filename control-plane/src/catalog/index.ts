export type { Feature } from './feature';
export {
  createFeatureRegistry,
  type FeatureFilter,
  type FeatureRegistry,
  type FeaturesByMeter,
  featureOf,
  findFeature,
  listFeatures,
  metersOfFeatures,
} from './feature-store';
export { createFeatures, type FeatureDetails, type Features } from './features';
export { featureMeterGuard } from './meter-guard';
