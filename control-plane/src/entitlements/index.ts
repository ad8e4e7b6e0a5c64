export { addUsage, type ToEvaluate } from './running-usage-store';
export { type UsageDelta, usageDeltas } from './usage-deltas';
