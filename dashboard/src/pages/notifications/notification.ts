export const ruleTypes = [
  'entitlements.balance.threshold',
  'entitlements.reset',
  'invoice.created',
  'invoice.updated',
] as const;
export type RuleType = (typeof ruleTypes)[number];

export const ruleTypeWords: Readonly<Record<RuleType, string>> = {
  'entitlements.balance.threshold': 'A threshold is reached',
  'entitlements.reset': 'A usage period begins anew',
  'invoice.created': 'An invoice is created',
  'invoice.updated': 'An invoice changes',
};

export interface Channel {
  id: string;
  type: 'WEBHOOK';
  name: string;
  disabled: boolean;
  url: string;
  customHeaders: Record<string, string>;
  /** Only in the answer that made it. */
  signingSecret?: string;
  metadata: Record<string, string>;
  createdAt: string;
  updatedAt: string;
}

export type ThresholdType = 'usage_percentage' | 'usage_value' | 'balance_value' | 'PERCENT' | 'NUMBER';

export interface Threshold {
  type: ThresholdType;
  value: number;
}

export interface Rule {
  id: string;
  type: RuleType;
  name: string;
  disabled: boolean;
  channels: { id: string }[];
  thresholds?: Threshold[];
  features?: { id: string; key: string }[];
  metadata: Record<string, string>;
  createdAt: string;
  updatedAt: string;
}

export type DeliveryState = 'SUCCESS' | 'FAILED' | 'SENDING' | 'PENDING' | 'RESENDING';

export interface Attempt {
  state: DeliveryState;
  timestamp: string;
  response: { statusCode?: number; body: string; durationMs: number; url: string };
}

export interface Delivery {
  state: DeliveryState;
  reason: string;
  updatedAt: string;
  channel: { id: string };
  nextAttempt?: string;
  attempts: Attempt[];
}

export interface NotificationEvent {
  id: string;
  type: RuleType;
  createdAt: string;
  rule: Rule;
  payload: { id: string; type: RuleType; timestamp: string; data: Record<string, unknown> };
  annotations: Record<string, unknown>;
  deliveryStatus: Delivery[];
}

export const notificationPath = '/api/v1/notification';

export const notificationTabs = [
  { label: 'Events', href: '/notifications' },
  { label: 'Rules', href: '/notifications/rules' },
  { label: 'Channels', href: '/notifications/channels' },
] as const;

export const thresholdWords = ({ type, value }: Threshold): string => {
  if (type === 'usage_percentage' || type === 'PERCENT') return `${value} % used`;
  if (type === 'usage_value' || type === 'NUMBER') return `${value} used`;
  return `${value} left`;
};

export const stateTones = {
  SUCCESS: 'in',
  FAILED: 'out',
  SENDING: 'neutral',
  PENDING: 'neutral',
  RESENDING: 'warned',
} as const;

interface ThresholdData {
  subject?: { key?: string };
  customer?: { key?: string; name?: string };
  feature?: { key?: string };
  threshold?: Threshold;
}

/** What an event tells, in one line; its payload has it all. */
export const eventWords = ({ type, payload }: Pick<NotificationEvent, 'type' | 'payload'>): string => {
  const data = payload.data as ThresholdData & { number?: string };
  const who = data.customer?.key ?? data.customer?.name ?? data.subject?.key ?? 'a customer';
  const of = data.feature?.key ? ` of ${data.feature.key}` : '';
  if (type === 'entitlements.balance.threshold')
    return `${who}: ${data.threshold ? thresholdWords(data.threshold) : 'a threshold'}${of}`;
  if (type === 'entitlements.reset') return `${who}: a new period${of}`;
  return `${who}: invoice ${data.number ?? ''} ${type === 'invoice.created' ? 'created' : 'changed'}`;
};
