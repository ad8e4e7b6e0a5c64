import type { Rule, RuleType } from './rule';

export type DeliveryState = 'PENDING' | 'SENDING' | 'SUCCESS' | 'FAILED' | 'RESENDING';

/** The webhook's body: a snapshot of the moment in which the event came to be, never read again. */
export interface NotificationPayload {
  /** The event's id, and the webhook-id. */
  id: string;
  type: RuleType;
  /** ISO 8601, when it happened. */
  timestamp: string;
  data: Record<string, unknown>;
}

/** An event that is to be recorded. */
export interface NewEvent {
  id: string;
  rule: Rule;
  /** Epoch milliseconds. */
  createdAt: number;
  /** What it tells, where that is told once; undefined where it may repeat. */
  onceKey?: string;
  featureId?: string | undefined;
  featureKey?: string | undefined;
  subjectId?: string | undefined;
  subjectKey?: string | undefined;
  payload: NotificationPayload;
  annotations?: Record<string, unknown>;
}

export interface DeliveryAttempt {
  state: 'SUCCESS' | 'FAILED';
  /** Null when there was no answer. */
  statusCode: number | null;
  body: string;
  durationMs: number;
  url: string;
  /** Epoch milliseconds. */
  at: number;
}

/** How sending an event over one channel goes. */
export interface Delivery {
  channelId: string;
  state: DeliveryState;
  reason: string;
  updatedAt: number;
  /** Epoch milliseconds; null when there is none, or one is under way. */
  nextAttemptAt: number | null;
  /** Oldest first. */
  attempts: DeliveryAttempt[];
}

/** What a rule told. */
export interface NotificationEvent {
  id: string;
  type: RuleType;
  createdAt: number;
  rule: Rule;
  payload: NotificationPayload;
  annotations: Record<string, unknown>;
  deliveries: Delivery[];
}
