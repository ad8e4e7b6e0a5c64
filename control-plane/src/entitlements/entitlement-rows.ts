import { toQuantity } from '../primitives/decimal';
import { parseDuration } from '../primitives/durations';
import type { Grant } from './burn-down/grant';
import type { Entitlement, ManualReset } from './entitlement';

/** A row of the table `entitlement`. */
export interface EntitlementRow {
  id: string;
  customer_id: string;
  feature_id: string;
  feature_key: string;
  subject_key: string | null;
  type: 'metered' | 'static' | 'boolean';
  config: string | null;
  is_soft_limit: boolean;
  issue_after_reset: string | null;
  issue_after_reset_priority: number | null;
  preserve_overage_at_reset: boolean;
  measure_usage_from: number | null;
  usage_period_interval: string | null;
  usage_period_anchor: number | null;
  subscription_id: string | null;
  active_from: number;
  active_to: number | null;
  metadata: Record<string, string>;
  annotations: Record<string, unknown>;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
}

/** A row of the table `entitlement_grant`. */
export interface GrantRow {
  id: string;
  entitlement_id: string;
  amount: string;
  priority: number;
  effective_at: number;
  expiration: { duration: string; count: number } | null;
  expires_at: number | null;
  min_rollover: string;
  max_rollover: string;
  recurrence_interval: string | null;
  recurrence_anchor: number | null;
  voided_at: number | null;
  deleted_at: number | null;
  metadata: Record<string, string>;
  annotations: Record<string, unknown>;
  created_at: number;
  updated_at: number;
}

export interface ResetRow {
  entitlement_id: string;
  at: number;
  anchor: number;
  preserve_overage: boolean;
}

/** A duration that was validated when it was stored. */
const storedDuration = (text: string) => {
  const duration = parseDuration(text);
  if (!duration) throw new TypeError(`a stored duration is not ISO 8601: ${text}`);
  return duration;
};

export const entitlementOf = (row: EntitlementRow): Entitlement => {
  const base = {
    id: row.id,
    customerId: row.customer_id,
    featureId: row.feature_id,
    featureKey: row.feature_key,
    subjectKey: row.subject_key,
    subscriptionId: row.subscription_id,
    activeFrom: row.active_from,
    activeTo: row.active_to,
    metadata: row.metadata,
    annotations: row.annotations,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    deletedAt: row.deleted_at,
  };
  if (row.type === 'boolean') return { ...base, type: 'boolean' };
  if (row.type === 'static') return { ...base, type: 'static', config: row.config ?? 'null' };
  const intervalText = row.usage_period_interval!;
  return {
    ...base,
    type: 'metered',
    isSoftLimit: row.is_soft_limit,
    issueAfterReset: row.issue_after_reset,
    issueAfterResetPriority: row.issue_after_reset_priority,
    preserveOverageAtReset: row.preserve_overage_at_reset,
    measureUsageFrom: row.measure_usage_from!,
    usagePeriod: { interval: storedDuration(intervalText), intervalText, anchor: row.usage_period_anchor! },
  };
};

export const grantOf = (row: GrantRow): Grant => ({
  id: row.id,
  amount: toQuantity(row.amount),
  priority: row.priority,
  effectiveAt: row.effective_at,
  expiresAt: row.expires_at ?? undefined,
  recurrence:
    row.recurrence_interval === null
      ? undefined
      : {
          interval: storedDuration(row.recurrence_interval),
          anchor: row.recurrence_anchor ?? row.effective_at,
        },
  minRollover: toQuantity(row.min_rollover),
  maxRollover: toQuantity(row.max_rollover),
  createdAt: row.created_at,
  voidedAt: row.voided_at ?? undefined,
  deletedAt: row.deleted_at ?? undefined,
});

export const manualResetOf = (row: ResetRow): ManualReset => ({
  at: row.at,
  anchor: row.anchor,
  preserveOverage: row.preserve_overage,
});
