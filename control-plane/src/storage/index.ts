export type { ArrayParameters, Database, Queryable, QueryResult, Row, Transaction } from './database';
export {
  cachedByVersion,
  changeDefinitions,
  createIngestBarrier,
  definitionsVersion,
  excludeEventWriters,
  shareDefinitions,
  sharedDefinitionsLock,
} from './definitions';
export { isConflict, isUnavailable, isUniqueViolation, StorageError } from './errors';
export { readConsistently } from './read-consistently';
export { type RowSearch, type SearchSource, searchRows, type TextCondition } from './search-rows';
