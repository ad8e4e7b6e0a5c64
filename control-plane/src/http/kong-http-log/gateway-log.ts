/**
 * The reading of Kong's log that the plugin shares. It stands outside of this workspace, so it is imported in this file
 * alone, which the build bundles: an installed control plane has no folder beside it.
 */
export {
  type Attribute,
  consumerFields,
  isCredentialHeader,
  isReservedProperty,
  type MeteringRules,
  parseStatusRange,
  type SerializedRequest,
  type SubjectRule,
  subjectPlaces,
  type Unmetered,
  usageEventsOf,
} from '../../../../gateway-log/src';
