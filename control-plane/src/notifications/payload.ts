import type { Evaluation } from '../entitlements';
import type { GroupFilter } from '../metering';
import type { Quantity } from '../primitives/decimal';
import { toTimeText } from '../primitives/time-text';
import type { NotificationPayload } from './notification-event';
import type { Rule, RuleThreshold } from './rule';
import { type SnapshotFacts, subjectKeyOf } from './snapshot-store';

/** What an event shows of an entitlement, and under which keys it can be found. */
export interface EntitlementSnapshot {
  subjectId: string | undefined;
  subjectKey: string;
  data: Record<string, unknown>;
}

const timeOrNone = (instant: number | null): string | undefined =>
  instant === null ? undefined : toTimeText(instant);

/** Where an entitlement stands, in OpenMeter's shapes (NotificationEventEntitlementValuePayloadBase). */
export const snapshotOf = (evaluation: Evaluation, facts: SnapshotFacts): EntitlementSnapshot => {
  const subjectKey = subjectKeyOf(evaluation, facts.customers);
  return {
    subjectId: facts.subjects.get(subjectKey)?.id,
    subjectKey,
    data: {
      entitlement: entitlementOf(evaluation, subjectKey),
      feature: featureOf(evaluation, facts),
      subject: subjectOf(evaluation, subjectKey, facts),
      value: balanceOf(evaluation),
      customer: customerOf(evaluation, facts),
    },
  };
};

/** The webhook's body. `rule` says which rule told it, as Konnect's documentation lists it among an event's fields. */
export const payloadOf = (
  id: string,
  rule: Rule,
  at: number,
  data: Record<string, unknown>,
): NotificationPayload => ({
  id,
  type: rule.type,
  timestamp: toTimeText(at),
  data,
});

/** A rule as payloads show it. */
export const ruleSnapshot = ({ id, type, name, thresholds, features, metadata }: Rule) => ({
  id,
  type,
  name,
  ...(thresholds ? { thresholds } : {}),
  ...(features ? { features: features.map((feature) => ({ id: feature.id, key: feature.key })) } : {}),
  metadata,
});

/** The threshold as the rule has it: its own name of the type, PERCENT or usage_percentage. */
export const thresholdOf = ({
  type,
  value,
}: {
  type: RuleThreshold['type'];
  value: Quantity;
}): RuleThreshold => ({
  type,
  value: value.toNumber(),
});

const entitlementOf = ({ entitlement, period }: Evaluation, subjectKey: string) => ({
  id: entitlement.id,
  type: entitlement.type,
  subjectKey,
  customerId: entitlement.customerId,
  featureId: entitlement.featureId,
  featureKey: entitlement.featureKey,
  activeFrom: toTimeText(entitlement.activeFrom),
  activeTo: timeOrNone(entitlement.activeTo),
  createdAt: toTimeText(entitlement.createdAt),
  updatedAt: toTimeText(entitlement.updatedAt),
  deletedAt: timeOrNone(entitlement.deletedAt),
  metadata: entitlement.metadata,
  annotations: entitlement.annotations,
  ...(entitlement.type === 'metered'
    ? {
        isSoftLimit: entitlement.isSoftLimit,
        isUnlimited: false,
        issueAfterReset:
          entitlement.issueAfterReset === null ? undefined : Number(entitlement.issueAfterReset),
        issueAfterResetPriority: entitlement.issueAfterResetPriority ?? undefined,
        preserveOverageAtReset: entitlement.preserveOverageAtReset,
        measureUsageFrom: toTimeText(entitlement.measureUsageFrom),
        usagePeriod: {
          interval:
            intervalNames[entitlement.usagePeriod.intervalText] ?? entitlement.usagePeriod.intervalText,
          intervalISO: entitlement.usagePeriod.intervalText,
          anchor: toTimeText(entitlement.usagePeriod.anchor),
        },
        currentUsagePeriod: { from: toTimeText(period.from), to: toTimeText(period.to) },
        lastReset: toTimeText(period.from),
      }
    : {}),
});

/** OpenMeter names the common intervals. */
const intervalNames: Readonly<Record<string, string>> = {
  P1D: 'DAY',
  P1W: 'WEEK',
  P1M: 'MONTH',
  P1Y: 'YEAR',
};

const featureOf = ({ feature }: Evaluation, facts: SnapshotFacts) => {
  const stored = facts.features.get(feature.id)!;
  const hasFilters = Object.keys(feature.filters).length > 0;
  return {
    id: feature.id,
    key: feature.key,
    name: feature.name,
    meterSlug: feature.meter?.meter.slug,
    ...(hasFilters
      ? { meterGroupByFilters: plainFilters(feature.filters), advancedMeterGroupByFilters: feature.filters }
      : {}),
    metadata: stored.metadata,
    createdAt: toTimeText(stored.createdAt),
    updatedAt: toTimeText(stored.updatedAt),
    archivedAt: timeOrNone(stored.archivedAt),
  };
};

/** The filters that are equalities, in OpenMeter's older form. */
const plainFilters = (filters: GroupFilter): Record<string, string> =>
  Object.fromEntries(
    Object.entries(filters).flatMap(([key, filter]) => (filter.$eq === undefined ? [] : [[key, filter.$eq]])),
  );

/** A customer's subject need not be recorded as a subject; then its key stands for it, as old as the customer. */
const subjectOf = ({ entitlement }: Evaluation, key: string, facts: SnapshotFacts) => {
  const subject = facts.subjects.get(key);
  const createdAt = toTimeText(
    subject?.createdAt ?? facts.customers.get(entitlement.customerId)?.createdAt ?? entitlement.createdAt,
  );
  if (!subject) return { id: key, key, createdAt, updatedAt: createdAt };
  return {
    id: subject.id,
    key,
    displayName: subject.displayName ?? undefined,
    metadata: subject.metadata,
    stripeCustomerId: subject.stripeCustomerId ?? undefined,
    createdAt,
    updatedAt: toTimeText(subject.updatedAt),
  };
};

const customerOf = ({ entitlement }: Evaluation, facts: SnapshotFacts) => {
  const customer = facts.customers.get(entitlement.customerId);
  if (!customer) return undefined;
  return {
    id: customer.id,
    key: customer.key ?? undefined,
    name: customer.name,
    description: customer.description ?? undefined,
    usageAttribution: { subjectKeys: customer.subjectKeys },
    primaryEmail: customer.primaryEmail ?? undefined,
    currency: customer.currency ?? undefined,
    billingAddress: customer.billingAddress ?? undefined,
    metadata: customer.metadata,
    createdAt: toTimeText(customer.createdAt),
    updatedAt: toTimeText(customer.updatedAt),
    deletedAt: timeOrNone(customer.deletedAt),
  };
};

const balanceOf = ({ entitlement, standing, hasAccess }: Evaluation) =>
  entitlement.type === 'metered'
    ? {
        hasAccess,
        balance: standing.balance.toNumber(),
        usage: standing.usage.toNumber(),
        overage: standing.overage.toNumber(),
        totalAvailableGrantAmount: standing.totalAvailable.toNumber(),
      }
    : { hasAccess };
