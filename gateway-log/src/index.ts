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
export { parseStatusRange, type StatusRange } from './status-range';
export { type Metered, type Unmetered, usageEventsOf } from './usage-events';
