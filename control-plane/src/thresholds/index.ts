export { crossThresholds, type ThresholdOutcome } from './cross-thresholds';
export { type Crossing, countCrossings, crossingsAt, listCrossings } from './crossing-list-store';
export { lineKey, type ThresholdLine, type ThresholdType } from './crossings';
export type { FactRecorder, Facts, ThresholdCrossed } from './facts';
export {
  createWatchRegistry,
  removeWatch,
  saveWatch,
  type ThresholdWatch,
  type WatchRegistry,
} from './watch-store';
