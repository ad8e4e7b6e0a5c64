import type { Feature } from '../catalog';
import type { Quantity } from '../primitives/decimal';
import { formatQuantity, toQuantity } from '../primitives/decimal';
import { formatDuration, MINUTE_MS, meanLengthMs, parseInterval } from '../primitives/durations';
import type { IdentifierSource } from '../primitives/identifiers';
import { periodAt } from '../primitives/periods';
import { invalid } from '../primitives/refusal';
import type { Entitlement, MeteredEntitlement } from './entitlement';
import type { GrantRecord } from './grant-store';
import { type NewGrant, newGrant } from './new-grant';

/** What a caller decides about an entitlement. Times are epoch milliseconds. */
export interface NewEntitlement {
  /** Id or key. */
  feature: string;
  type: 'metered' | 'static' | 'boolean';
  metadata?: Record<string, string> | undefined;
  annotations?: Record<string, unknown> | undefined;
  /** JSON text; of static ones. */
  config?: string | undefined;
  /** The rest is of metered ones. */
  isSoftLimit?: boolean | undefined;
  issueAfterReset?: { amount: Quantity; priority?: number | undefined } | undefined;
  preserveOverageAtReset?: boolean | undefined;
  measureUsageFrom?: number | 'NOW' | 'CURRENT_PERIOD_START' | undefined;
  usagePeriod?: { interval: string; anchor?: number | undefined } | undefined;
  grants?: readonly NewGrant[] | undefined;
  /** Set by subscriptions; now and never unless given. */
  activeFrom?: number | undefined;
  activeTo?: number | null | undefined;
  subscriptionId?: string | undefined;
  /** The subject that an entitlement of the v1 subject API is made for. */
  subjectKey?: string | undefined;
}

/** More periods since measuring began than any reader should have to walk through. */
const maximumPastPeriods = 10_000;

const refuse = (field: string, code: string, message: string) =>
  invalid('invalid_entitlement', message, [{ code, field, message }]);

/** The start of the minute: what "now" means for defaults, as OpenMeter has it, so that periods begin on whole minutes. */
const minuteOf = (now: number): number => Math.floor(now / MINUTE_MS) * MINUTE_MS;

/**
 * Works out an entitlement and its first grants from what a caller decided; pure.
 *
 * @throws Refusal `invalid_entitlement` naming the field, `invalid_grant`
 */
export const newEntitlement = (
  input: NewEntitlement,
  feature: Feature,
  customerId: string,
  newId: IdentifierSource,
  now: number,
): { entitlement: Entitlement; grants: GrantRecord[] } => {
  const activeFrom = input.activeFrom ?? now;
  const base = {
    id: newId(),
    customerId,
    featureId: feature.id,
    featureKey: feature.key,
    subjectKey: input.subjectKey ?? null,
    subscriptionId: input.subscriptionId ?? null,
    activeFrom,
    activeTo: input.activeTo ?? null,
    metadata: input.metadata ?? {},
    annotations: input.annotations ?? {},
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
  };
  if (base.activeTo !== null && base.activeTo <= activeFrom) {
    throw refuse('$.activeTo', 'invalid_range', 'activeTo must be after activeFrom');
  }
  if (input.type === 'boolean') return { entitlement: { ...base, type: 'boolean' }, grants: [] };
  if (input.type === 'static') {
    return { entitlement: { ...base, type: 'static', config: checkedConfig(input.config) }, grants: [] };
  }
  const entitlement: MeteredEntitlement = {
    ...base,
    type: 'metered',
    ...meteredPart(input, feature, activeFrom, now),
  };
  return { entitlement, grants: firstGrants(input, entitlement, newId, now) };
};

const checkedConfig = (config: string | undefined): string => {
  try {
    JSON.parse(config ?? '');
    return config!;
  } catch {
    throw refuse('$.config', 'invalid_json', 'config must be JSON as text, for example "{\\"limit\\": 5}"');
  }
};

const meteredPart = (input: NewEntitlement, feature: Feature, activeFrom: number, now: number) => {
  if (feature.meterId === null) {
    const message = `the feature "${feature.key}" has no meter, so its usage cannot be limited; use a boolean or static entitlement`;
    throw refuse('$.featureKey', 'feature_without_meter', message);
  }
  const intervalText = input.usagePeriod?.interval;
  const interval = intervalText === undefined ? undefined : parseInterval(intervalText);
  if (!interval) {
    const message =
      'usagePeriod.interval must be DAY, WEEK, MONTH, YEAR or an ISO 8601 duration of at least one hour';
    throw refuse('$.usagePeriod.interval', 'invalid_interval', message);
  }
  const start = minuteOf(Math.max(activeFrom, now));
  const anchor = input.usagePeriod?.anchor ?? start;
  const measureUsageFrom = measuredFrom(input.measureUsageFrom, start, { anchor, interval });
  if ((now - measureUsageFrom) / meanLengthMs(interval) > maximumPastPeriods) {
    const message = `measureUsageFrom lies more than ${maximumPastPeriods} usage periods back; use a later time or a longer interval`;
    throw refuse('$.measureUsageFrom', 'too_many_periods', message);
  }
  const issue = input.issueAfterReset;
  return {
    isSoftLimit: input.isSoftLimit ?? false,
    issueAfterReset: issue ? formatQuantity(checkedIssue(issue.amount)) : null,
    issueAfterResetPriority: issue ? (issue.priority ?? 1) : null,
    preserveOverageAtReset: input.preserveOverageAtReset ?? false,
    measureUsageFrom,
    usagePeriod: { interval, intervalText: formatDuration(interval), anchor },
  };
};

const measuredFrom = (
  given: NewEntitlement['measureUsageFrom'],
  start: number,
  schedule: Parameters<typeof periodAt>[0],
): number => {
  if (given === 'CURRENT_PERIOD_START') return periodAt(schedule, start).from;
  return given === undefined || given === 'NOW' ? start : given;
};

const checkedIssue = (amount: Quantity): Quantity => {
  if (amount.isNegative() && !amount.isZero())
    throw refuse('$.issueAfterReset', 'out_of_range', 'issueAfterReset must not be negative');
  return amount;
};

/** The grant that `issueAfterReset` stands for (it never expires and rolls over to its full amount), and those given. */
const firstGrants = (
  input: NewEntitlement,
  entitlement: MeteredEntitlement,
  newId: IdentifierSource,
  now: number,
): GrantRecord[] => {
  const { measureUsageFrom, issueAfterReset, issueAfterResetPriority } = entitlement;
  const amount = toQuantity(issueAfterReset ?? '0');
  const issued: NewGrant[] = amount.isZero()
    ? []
    : [
        {
          amount,
          priority: issueAfterResetPriority ?? 1,
          effectiveAt: measureUsageFrom,
          minRollover: amount,
          maxRollover: amount,
          annotations: { issueAfterReset: true },
        },
      ];
  const first = periodAt(
    { anchor: entitlement.usagePeriod.anchor, interval: entitlement.usagePeriod.interval },
    Math.max(now, measureUsageFrom),
  );
  const given = input.grants ?? [];
  const periodFrom = Math.max(first.from, measureUsageFrom);
  return [
    ...issued.map((grant) => newGrant(grant, entitlement.id, measureUsageFrom, '$', newId, now)),
    ...given.map((grant, index) =>
      newGrant(grant, entitlement.id, periodFrom, `$.grants[${index}]`, newId, now),
    ),
  ];
};
