export type { Access, AccessPolicy, PolicyMode } from './access-policy';
export { driverNames, type Gateway, type GatewayHealth, type GatewaySettings } from './gateway';
export { openDriver } from './drivers/open-driver';
export { AccessReconciler } from './reconciler';
export { createAccessRecorder } from './record-access-changes';
