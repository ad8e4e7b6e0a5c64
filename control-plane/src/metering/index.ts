export {
  type BackfillOptions,
  type SettleMeter,
  type StepResult,
  stepBackfill,
} from './backfill/backfill-step';
export { createBackfillWorker } from './backfill/backfill-worker';
export {
  addToSum,
  type CountedBatch,
  type CountedSeries,
  countEvents,
  type ExactSum,
  hourMs,
  type MetersByType,
  minuteMs,
  type Partial,
  sumText,
} from './count-events';
export {
  type Attribution,
  customersOfSubjects,
  subjectsOfCustomers,
  unknownCustomers,
} from './customer-attribution-store';
export { elementKeyLimit } from './elements/element-names';
export { createElements, type Elements, elementEventType } from './elements/elements';
export { type GroupFilter, matchesGroups, matchesText, type TextFilter } from './group-filter';
export { compilePath, type PathReader, pathLimit } from './json-path';
export type { Aggregation, CompiledMeter, Meter } from './meter';
export { createMeterCatalog, type MeterCatalog, type MeterGuard } from './meter-catalog';
export { aggregations, type MeterChange, type MeterDraft } from './meter-definition';
export {
  compileMeter,
  createMeterRegistry,
  type MeterRegistry,
  type MeterRow,
  meterOf,
  searchMeters,
} from './meter-store';
export { listGroupValues, listMeterSubjects } from './query/list-values';
export type { MeterQuery, MeterQueryRow } from './query/meter-query';
export { queryMeter } from './query/query-meter';
export { readGroupValue, readValue } from './read-value';
export { createRollupStore, levels, type ResolvedBatch, type RollupStore } from './rollup-store';
export { EventsLostError, takeBack } from './take-back/take-back';
export { readUsage, type UsageRequest } from './usage-reader';
export { validationErrorOf } from './validate-event';
