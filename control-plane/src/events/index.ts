export { type Batcher, createBatcher, IngestOverloadedError, type Receipt } from './batcher';
export {
  type CancelableEvent,
  findCancelableEvent,
  markEventCanceled,
} from './cancel-event-store';
export { readEventAttributes } from './event-attributes-reader';
export {
  type AttributeFilter,
  type EventCursor,
  type EventListFilter,
  type InstantFilter,
  listEvents,
} from './event-list-reader';
export {
  type BatchPlan,
  batchIsWhole,
  batchStride,
  planBatches,
  type StoredBatch,
  storeEvents,
  WeekNotOpenError,
} from './event-store';
export {
  createEventTail,
  type EventTail,
  maximumTails,
  type RefusedIngest,
  type TailedEvent,
  type TailItem,
} from './event-tail';
export { createEventUpkeep, keepUpEvents } from './event-upkeep';
export {
  type ExactJson,
  exactNumberText,
  type JsonObject,
  parseExactJson,
  writeExactJson,
} from './exact-json';
export {
  attributeLimit,
  dataLimit,
  type InvalidField,
  isLongerThan,
  type ParsedEvent,
  parseCloudEvent,
  parseTime,
} from './parse-cloud-event';
export {
  type EventRow,
  type EventSpan,
  eventColumns,
  eventPages,
  eventsOfSpans,
  hasEventsBetween,
  type PlacedEvent,
  storedEventOf,
} from './raw-event-reader';
export {
  eventsAfter,
  nextStoredWeek,
  type StoredEventPage,
  weekProgress,
} from './stored-event-reader';
export {
  deleteSubject,
  findSubject,
  listSubjects,
  type Subject,
  type SubjectDraft,
  upsertSubjects,
} from './subject-store';
export { createTraffic, type Traffic, type TrafficCounter } from './traffic';
export type { StoredEvent, UsageEvent } from './usage-event';
export { createWeekFilters, type FilterOfWeek } from './week-filters';
export { createWeek, openWeek, storedWeeks, weekMs, weekOf } from './week-store';
