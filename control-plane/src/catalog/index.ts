export type { Feature } from './feature';
export {
  createFeatureRegistry,
  type FeatureRegistry,
  type FeaturesByMeter,
  featureOf,
} from './feature-store';
export { featureMeterGuard } from './meter-guard';
