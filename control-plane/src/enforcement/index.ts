export type { AccessAdministration } from './access-administration';
export type { AccessPolicy } from './access-policy';
export { accessBacklog } from './backlog-store';
export { createEnforcement, type Enforcement } from './enforcement';
export { driverNames } from './gateway';
export type { GatewayWithHealth } from './gateway-store';
export type { AccessHold } from './hold-store';
export type { AccessLogEntry } from './log-store';
export { createAccessRecorder } from './record-access-changes';
