import { z } from 'zod';
import type {
  BalanceHistory,
  EntitlementValue,
  EntitlementView,
  GrantRecord,
  MeteredEntitlement,
} from '../../entitlements';
import type { Quantity } from '../../primitives/decimal';
import { formatDuration } from '../../primitives/durations';
import { nextBoundaryAfter, type Period, type Schedule } from '../../primitives/periods';
import { numberOf, optionalTimeText, timeText, toTimeText } from './fields';

/** How entitlements, grants, values and histories are written in OpenMeter's v1 (by subject) and v2 (by customer). */

const period = z.object({ from: timeText, to: timeText });
const recurringPeriod = z.object({
  interval: z.string(),
  intervalISO: z.string(),
  anchor: timeText,
});

const anything = z.record(z.string(), z.unknown());

export const entitlementSchema = z.object({
  id: z.string(),
  type: z.enum(['metered', 'static', 'boolean']),
  featureKey: z.string(),
  featureId: z.string(),
  subjectKey: z.string().optional().describe('v1'),
  customerId: z.string().optional().describe('v2'),
  customerKey: z.string().optional().describe('v2'),
  metadata: z.record(z.string(), z.string()),
  annotations: anything.optional(),
  activeFrom: timeText,
  activeTo: timeText.optional(),
  createdAt: timeText,
  updatedAt: timeText,
  deletedAt: timeText.optional(),
  config: z.string().optional().describe('Of static ones.'),
  isSoftLimit: z.boolean().optional(),
  isUnlimited: z.boolean().optional().describe('v1; always false.'),
  issueAfterReset: z.number().optional(),
  issueAfterResetPriority: z.number().int().optional(),
  issue: z.object({ amount: z.number(), priority: z.number().int() }).optional().describe('v2'),
  preserveOverageAtReset: z.boolean().optional(),
  measureUsageFrom: timeText.optional(),
  lastReset: timeText.optional(),
  currentUsagePeriod: period.optional(),
  usagePeriod: recurringPeriod.optional(),
});

export type ApiVersion = 'v1' | 'v2';

const names: Record<string, string> = { P1D: 'DAY', P1W: 'WEEK', P1M: 'MONTH', P1Y: 'YEAR' };

const recurring = ({ interval, anchor }: Schedule) => {
  const text = formatDuration(interval);
  return { interval: names[text] ?? text, intervalISO: text, anchor: toTimeText(anchor) };
};

const isoPeriod = ({ from, to }: Period) => ({ from: toTimeText(from), to: toTimeText(to) });

const meteredAnswer = (
  entitlement: MeteredEntitlement,
  usage: NonNullable<EntitlementView['usage']>,
  version: ApiVersion,
) => {
  const amount = entitlement.issueAfterReset === null ? undefined : Number(entitlement.issueAfterReset);
  const priority = entitlement.issueAfterResetPriority ?? 1;
  return {
    isSoftLimit: entitlement.isSoftLimit,
    ...(version === 'v1' ? { isUnlimited: false } : {}),
    ...(amount === undefined ? {} : { issueAfterReset: amount, issueAfterResetPriority: priority }),
    ...(version === 'v2' && amount !== undefined ? { issue: { amount, priority } } : {}),
    preserveOverageAtReset: entitlement.preserveOverageAtReset,
    measureUsageFrom: toTimeText(entitlement.measureUsageFrom),
    lastReset: toTimeText(usage.period.from),
    currentUsagePeriod: isoPeriod(usage.period),
    usagePeriod: recurring({ interval: entitlement.usagePeriod.interval, anchor: usage.anchor }),
  };
};

export const entitlementAnswer = (
  { entitlement, customer, usage }: EntitlementView,
  version: ApiVersion,
): z.input<typeof entitlementSchema> => ({
  id: entitlement.id,
  type: entitlement.type,
  featureKey: entitlement.featureKey,
  featureId: entitlement.featureId,
  ...(version === 'v1'
    ? { subjectKey: entitlement.subjectKey ?? customer.subjectKeys[0] ?? customer.key ?? customer.id }
    : { customerId: customer.id, customerKey: customer.key ?? undefined }),
  metadata: entitlement.metadata,
  annotations: Object.keys(entitlement.annotations).length > 0 ? entitlement.annotations : undefined,
  activeFrom: toTimeText(entitlement.activeFrom),
  activeTo: optionalTimeText(entitlement.activeTo),
  createdAt: toTimeText(entitlement.createdAt),
  updatedAt: toTimeText(entitlement.updatedAt),
  deletedAt: optionalTimeText(entitlement.deletedAt),
  ...(entitlement.type === 'static' ? { config: entitlement.config } : {}),
  ...(entitlement.type === 'metered' && usage ? meteredAnswer(entitlement, usage, version) : {}),
});

export const valueSchema = z.object({
  hasAccess: z.boolean(),
  balance: z.number().optional(),
  usage: z.number().optional(),
  overage: z.number().optional(),
  totalAvailableGrantAmount: z.number().optional(),
  config: z.string().optional(),
  grantBalances: z.record(z.string(), z.number()).optional().describe('v2: balance by grant id'),
});

const balancesAnswer = (balances: ReadonlyMap<string, Quantity>): Record<string, number> =>
  Object.fromEntries([...balances].map(([id, balance]) => [id, numberOf(balance)]));

export const valueAnswer = (
  { hasAccess, standing, config, grantBalances }: EntitlementValue,
  version: ApiVersion = 'v1',
): z.input<typeof valueSchema> => ({
  hasAccess,
  ...(config === undefined ? {} : { config }),
  ...(standing
    ? {
        balance: numberOf(standing.balance),
        usage: numberOf(standing.usage),
        overage: numberOf(standing.overage),
        totalAvailableGrantAmount: numberOf(standing.totalAvailable),
        ...(version === 'v2' ? { grantBalances: balancesAnswer(grantBalances) } : {}),
      }
    : {}),
});

const expiration = z.object({ duration: z.string(), count: z.number().int() });

export const grantSchema = z.object({
  id: z.string(),
  entitlementId: z.string(),
  amount: z.number(),
  priority: z.number().int(),
  effectiveAt: timeText,
  expiration: expiration.optional(),
  expiresAt: timeText.optional(),
  minRolloverAmount: z.number(),
  maxRolloverAmount: z.number(),
  recurrence: recurringPeriod.optional(),
  nextRecurrence: timeText.optional(),
  metadata: z.record(z.string(), z.string()),
  annotations: anything.optional(),
  voidedAt: timeText.optional(),
  deletedAt: timeText.optional(),
  createdAt: timeText,
  updatedAt: timeText,
});

/** v1 has no grant without an end: it shows one that lasts for ever as ending in 100 years. */
const forever = { duration: 'YEAR', count: 100 };

const expiryAnswer = (grant: GrantRecord, version: ApiVersion) => {
  if (version === 'v1' && grant.expiration === null) {
    const end = new Date(grant.effectiveAt);
    end.setUTCFullYear(end.getUTCFullYear() + forever.count);
    return { expiration: forever, expiresAt: end.toISOString() };
  }
  return { expiration: grant.expiration ?? undefined, expiresAt: optionalTimeText(grant.expiresAt) };
};

const nextRecurrence = ({ recurrence, effectiveAt, expiresAt, voidedAt }: GrantRecord, now: number) => {
  if (!recurrence) return undefined;
  const next = nextBoundaryAfter(recurrence, Math.max(now, effectiveAt));
  return next < Math.min(expiresAt ?? Infinity, voidedAt ?? Infinity) ? toTimeText(next) : undefined;
};

export const grantAnswer = (
  grant: GrantRecord,
  version: ApiVersion,
  now: number,
): z.input<typeof grantSchema> => ({
  id: grant.id,
  entitlementId: grant.entitlementId,
  amount: numberOf(grant.amount),
  priority: grant.priority,
  effectiveAt: toTimeText(grant.effectiveAt),
  ...expiryAnswer(grant, version),
  minRolloverAmount: numberOf(grant.minRollover),
  maxRolloverAmount: numberOf(grant.maxRollover),
  recurrence: grant.recurrence && recurring(grant.recurrence),
  nextRecurrence: nextRecurrence(grant, now),
  metadata: grant.metadata,
  annotations: Object.keys(grant.annotations).length > 0 ? grant.annotations : undefined,
  voidedAt: optionalTimeText(grant.voidedAt),
  deletedAt: optionalTimeText(grant.deletedAt),
  createdAt: toTimeText(grant.createdAt),
  updatedAt: toTimeText(grant.updatedAt),
});

const balances = z.record(z.string(), z.number());

export const historySchema = z.object({
  windowedHistory: z.array(z.object({ period, usage: z.number(), balanceAtStart: z.number() })),
  burndownHistory: z.array(
    z.object({
      period,
      usage: z.number(),
      overage: z.number(),
      balanceAtStart: z.number(),
      grantBalancesAtStart: balances,
      balanceAtEnd: z.number(),
      grantBalancesAtEnd: balances,
      grantUsages: z.array(z.object({ grantId: z.string(), usage: z.number() })),
    }),
  ),
});

export const historyAnswer = (history: BalanceHistory): z.input<typeof historySchema> => ({
  windowedHistory: history.windows.map((window) => ({
    period: isoPeriod(window.period),
    usage: numberOf(window.usage),
    balanceAtStart: numberOf(window.balanceAtStart),
  })),
  burndownHistory: history.burnDown.map((stretch) => ({
    period: isoPeriod(stretch.period),
    usage: numberOf(stretch.usage),
    overage: numberOf(stretch.overage),
    balanceAtStart: numberOf(stretch.balanceAtStart),
    grantBalancesAtStart: balancesAnswer(stretch.grantBalancesAtStart),
    balanceAtEnd: numberOf(stretch.balanceAtEnd),
    grantBalancesAtEnd: balancesAnswer(stretch.grantBalancesAtEnd),
    grantUsages: stretch.grantUsages.map(({ grantId, usage }) => ({ grantId, usage: numberOf(usage) })),
  })),
});
