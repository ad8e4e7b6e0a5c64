import type { ThresholdType } from '../thresholds';

export const ruleTypes = [
  'entitlements.balance.threshold',
  'entitlements.reset',
  'invoice.created',
  'invoice.updated',
  'v1.billing.meter.error_report_triggered',
  'v1.billing.meter.no_meter_found',
] as const;

/** What a rule tells of; events have the type of their rule. */
export type RuleType = (typeof ruleTypes)[number];

export interface RuleThreshold {
  type: ThresholdType;
  value: number;
}

/** A feature that a rule is for: what was given, an id or a key, and the feature that it meant. */
export interface RuleFeature {
  reference: string;
  id: string;
  key: string;
}

/** What is told, and over which channels. */
export interface Rule {
  id: string;
  type: RuleType;
  name: string;
  isDisabled: boolean;
  /** Null but for balance thresholds. */
  thresholds: RuleThreshold[] | null;
  /** Null for every feature. */
  features: RuleFeature[] | null;
  channels: { id: string; type: 'WEBHOOK' }[];
  metadata: Record<string, string>;
  /** Epoch milliseconds. */
  createdAt: number;
  updatedAt: number;
  deletedAt: number | null;
}

/** A rule as it is asked for. */
export interface RuleInput {
  type: RuleType;
  name: string;
  isDisabled: boolean;
  thresholds: RuleThreshold[] | null;
  /** Ids or keys; null for every feature. */
  features: string[] | null;
  /** Ids. */
  channels: string[];
  metadata: Record<string, string>;
}
