import { z } from 'zod';
import type { NewEntitlement, NewGrant } from '../../entitlements';
import { metadata, plainText, quantity, resourceKey, time } from './fields';

/** What OpenMeter's v1 and v2 take to create entitlements and grants, read into the terms of the stage. */

const interval = plainText(1, 64).describe(
  'DAY, WEEK, MONTH, YEAR or an ISO 8601 duration of at least an hour',
);
const recurringPeriod = z.object({ interval, anchor: time.optional() });
const priority = z.number().int().min(0).max(255);

const grantFields = {
  amount: quantity,
  priority: priority.optional(),
  effectiveAt: time,
  expiration: z
    .object({
      duration: z.enum(['HOUR', 'DAY', 'WEEK', 'MONTH', 'YEAR']),
      count: z.number().int().min(1).max(1_000),
    })
    .optional(),
  minRolloverAmount: quantity.optional(),
  maxRolloverAmount: quantity.optional(),
  recurrence: recurringPeriod.optional(),
  metadata: metadata.optional(),
};

/** v1 asks for an expiration; what rolls over is nothing unless told. */
export const grantBodyV1 = z
  .object({ ...grantFields, expiration: grantFields.expiration.unwrap() })
  .transform(
    ({ minRolloverAmount, maxRolloverAmount, ...grant }): NewGrant => ({
      ...grant,
      minRollover: minRolloverAmount,
      maxRollover: maxRolloverAmount,
    }),
  );

/** v2: everything rolls over unless told. */
export const grantBodyV2 = z
  .object({ ...grantFields, annotations: z.record(z.string(), z.unknown()).optional() })
  .transform(
    ({ minRolloverAmount, maxRolloverAmount, ...grant }): NewGrant => ({
      ...grant,
      minRollover: minRolloverAmount,
      maxRollover: maxRolloverAmount ?? grant.amount,
    }),
  );

const featureFields = { featureKey: resourceKey.optional(), featureId: plainText(1, 64).optional() };
const sharedFields = { ...featureFields, metadata: metadata.optional() };

const meteredFields = {
  ...sharedFields,
  type: z.literal('metered'),
  isSoftLimit: z.boolean().optional(),
  usagePeriod: recurringPeriod,
  measureUsageFrom: z.union([z.enum(['CURRENT_PERIOD_START', 'NOW']), time]).optional(),
  issueAfterReset: quantity.optional(),
  issueAfterResetPriority: priority.min(1).optional(),
  preserveOverageAtReset: z.boolean().optional(),
};

const staticBody = z.object({
  ...sharedFields,
  type: z.literal('static'),
  config: plainText(1, 65_536).describe('JSON as text'),
  usagePeriod: recurringPeriod.optional(),
});
const booleanBody = z.object({
  ...sharedFields,
  type: z.literal('boolean'),
  usagePeriod: recurringPeriod.optional(),
});

type FeatureChoice = { featureKey?: string | undefined; featureId?: string | undefined };

const namesFeature = ({ featureKey, featureId }: FeatureChoice): boolean =>
  (featureKey === undefined) !== (featureId === undefined);
const featureRule = { path: ['featureKey'], message: 'give either featureKey or featureId' };
const featureOf = ({ featureKey, featureId }: FeatureChoice): string => featureId ?? featureKey!;

const issueOf = (amount: NewGrant['amount'] | undefined, issuePriority: number | undefined) =>
  amount && { amount, priority: issuePriority };

export const entitlementBodyV1 = z
  .discriminatedUnion('type', [
    z.object({
      ...meteredFields,
      isUnlimited: z.boolean().optional().describe('Deprecated and ignored.'),
    }),
    staticBody,
    booleanBody,
  ])
  .refine(namesFeature, featureRule)
  .transform((body): NewEntitlement => {
    if (body.type !== 'metered') return { ...body, usagePeriod: undefined, feature: featureOf(body) };
    const { issueAfterReset, issueAfterResetPriority, isUnlimited: _, ...rest } = body;
    return {
      ...rest,
      feature: featureOf(body),
      issueAfterReset: issueOf(issueAfterReset, issueAfterResetPriority),
    };
  });

export const entitlementBodyV2 = z
  .discriminatedUnion('type', [
    z.object({
      ...meteredFields,
      issue: z.object({ amount: quantity, priority: priority.min(1).optional() }).optional(),
      grants: z.array(grantBodyV2).max(100).optional(),
    }),
    staticBody,
    booleanBody,
  ])
  .refine(namesFeature, featureRule)
  .transform((body): NewEntitlement => {
    if (body.type !== 'metered') return { ...body, usagePeriod: undefined, feature: featureOf(body) };
    const { issueAfterReset, issueAfterResetPriority, issue, ...rest } = body;
    return {
      ...rest,
      feature: featureOf(body),
      issueAfterReset: issue ?? issueOf(issueAfterReset, issueAfterResetPriority),
    };
  });

export const resetBody = z
  .object({
    effectiveAt: time.optional(),
    retainAnchor: z.boolean().default(false),
    preserveOverage: z.boolean().optional(),
  })
  .default({ retainAnchor: false });

export const historyQuery = z.object({
  windowSize: z.enum(['MINUTE', 'HOUR', 'DAY', 'MONTH']),
  windowTimeZone: plainText(1, 64).default('UTC'),
  from: time.optional(),
  to: time.optional(),
});

export const valueQuery = z.object({ time: time.optional() });
