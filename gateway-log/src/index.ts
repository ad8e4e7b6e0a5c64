export {
  type Attribute,
  consumerFields,
  isCredentialHeader,
  isReservedProperty,
  type MeteringRules,
  type SubjectRule,
  subjectPlaces,
} from './metering-rules';
export { parseSerializedRequest, type SerializedRequest } from './serialized-request';
export { includesStatus, parseStatusRange, type StatusRange } from './status-range';
export { type Metered, type Origin, type Unmetered, type UsageEvent, usageEventsOf } from './usage-events';
