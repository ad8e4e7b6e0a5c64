export { type DeliveryTrouble, deliveryBacklog, deliveryTrouble } from './backlog-store';
export type { Channel, ChannelInput } from './channel';
export { signingSecretPattern } from './delivery/signature';
export type { DeliveryState, NotificationEvent } from './notification-event';
export type { InvoiceSnapshot } from './notification-recorder';
export { createNotifications, type Notifications, type NotificationsOptions } from './notifications';
export { type Rule, type RuleInput, ruleTypes } from './rule';
