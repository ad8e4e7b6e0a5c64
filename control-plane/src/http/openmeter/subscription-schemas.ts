import { z } from 'zod';
import {
  type EditOperation,
  endOfPhase,
  type Subscription,
  type SubscriptionPhase,
  spanOfItem,
  statusOfSubscription,
  subscriptionStatuses,
} from '../../billing';
import { parseInterval } from '../../primitives/durations';
import { periodAt } from '../../primitives/periods';
import { metadata, optionalTimeText, plainText, resourceKey, time, timeText, toTimeText } from './fields';
import { proRatingConfig, settlementMode } from './plan-schemas';
import { discountTerms, durationText, priceTerms, rateCard, taxConfig } from './rate-card-schemas';

/** OpenMeter's SubscriptionTiming. */
export const timing = z.union([z.enum(['immediate', 'next_billing_cycle']), time]);

const newSubscription = {
  alignment: z.object({ billablesMustAlign: z.boolean().optional() }).optional(),
  metadata: metadata.optional(),
  plan: z.object({ key: resourceKey, version: z.number().int().min(1).optional() }),
  startingPhase: resourceKey.optional(),
  name: plainText(1, 256).optional(),
  description: plainText(0, 1_024).optional(),
  settlementMode: settlementMode.optional(),
  billingAnchor: time.optional(),
};

export const subscriptionCreateBody = z
  .object({
    ...newSubscription,
    timing: z.union([z.literal('immediate'), time]).default('immediate'),
    customerId: plainText(1, 64).optional(),
    customerKey: plainText(1, 256).optional(),
  })
  .refine((body) => (body.customerId === undefined) !== (body.customerKey === undefined), {
    path: ['customerId'],
    message: 'give either customerId or customerKey',
  });

export const subscriptionChangeBody = z.object({ ...newSubscription, timing });

export const subscriptionMigrateBody = z.object({
  timing: timing.default('immediate'),
  targetVersion: z.number().int().min(1).optional(),
  startingPhase: resourceKey.optional(),
  billingAnchor: time.optional(),
});

const phaseKey = resourceKey;
const editOperation: z.ZodType<EditOperation> = z.discriminatedUnion('op', [
  z.object({ op: z.literal('add_item'), phaseKey, rateCard }),
  z.object({ op: z.literal('remove_item'), phaseKey, itemKey: resourceKey }),
  z.object({
    op: z.literal('add_phase'),
    phase: z.object({
      key: resourceKey,
      name: plainText(1, 256),
      description: plainText(0, 1_024).optional(),
      startAfter: durationText.nullable(),
      duration: durationText.optional(),
    }),
  }),
  z.object({ op: z.literal('remove_phase'), phaseKey, shift: z.enum(['next', 'prev']) }),
  z.object({ op: z.literal('stretch_phase'), phaseKey, extendBy: durationText }),
  z.object({ op: z.literal('unschedule_edit') }),
]);

export const subscriptionEditBody = z.object({
  customizations: z.array(editOperation).min(1).max(100),
  timing: timing.default('immediate'),
});

export const subscriptionCancelBody = z.object({ timing: timing.default('immediate') });

const subscriptionFields = {
  id: z.string(),
  name: z.string(),
  description: z.string().optional(),
  metadata: z.record(z.string(), z.string()),
  createdAt: timeText,
  updatedAt: timeText,
  activeFrom: timeText,
  activeTo: timeText.optional(),
  status: z.enum(subscriptionStatuses),
  customerId: z.string(),
  plan: z.object({ id: z.string(), key: z.string(), version: z.number().int() }),
  currency: z.string(),
  billingCadence: z.string(),
  proRatingConfig,
  billingAnchor: timeText,
  settlementMode,
  costBasisMode: z.literal('dynamic'),
  costBasisPins: z.array(z.never()),
};

const item = z.object({
  id: z.string(),
  key: z.string(),
  name: z.string(),
  description: z.string().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
  createdAt: timeText,
  updatedAt: timeText,
  activeFrom: timeText,
  activeTo: timeText.optional(),
  currency: z.string(),
  featureKey: z.string().optional(),
  billingCadence: z.string().nullable(),
  price: priceTerms.nullable(),
  discounts: discountTerms.optional(),
  taxConfig: taxConfig.optional(),
  entitlementId: z.string().optional().describe('The entitlement made of the template.'),
});

export const subscriptionSchema = z.object(subscriptionFields);

export const expandedSubscriptionSchema = z.object({
  ...subscriptionFields,
  alignment: z.object({
    billablesMustAlign: z.boolean(),
    currentAlignedBillingPeriod: z.object({ from: timeText, to: timeText }).optional(),
  }),
  phases: z.array(
    z.object({
      id: z.string(),
      key: z.string(),
      name: z.string(),
      description: z.string().optional(),
      metadata: z.record(z.string(), z.string()).optional(),
      createdAt: timeText,
      updatedAt: timeText,
      activeFrom: timeText,
      activeTo: timeText.optional(),
      items: z.array(item),
      itemTimelines: z.record(z.string(), z.array(item)),
    }),
  ),
});

export const subscriptionAnswer = (subscription: Subscription, now: number) => ({
  id: subscription.id,
  name: subscription.name,
  description: subscription.description ?? undefined,
  metadata: subscription.metadata,
  createdAt: toTimeText(subscription.createdAt),
  updatedAt: toTimeText(subscription.updatedAt),
  activeFrom: toTimeText(subscription.activeFrom),
  activeTo: optionalTimeText(subscription.activeTo),
  status: statusOfSubscription(subscription, now),
  customerId: subscription.customerId,
  plan: subscription.plan,
  currency: subscription.currency,
  billingCadence: subscription.billingCadence,
  proRatingConfig: { enabled: subscription.isProrated, mode: 'prorate_prices' as const },
  billingAnchor: toTimeText(subscription.billingAnchor),
  settlementMode: 'credit_then_invoice' as const,
  costBasisMode: 'dynamic' as const,
  costBasisPins: [],
});

/** With its phases; `at` says which billing period is the current one, epoch milliseconds. */
export const expandedSubscriptionAnswer = (subscription: Subscription, at: number) => {
  const schedule = {
    anchor: subscription.billingAnchor,
    interval: parseInterval(subscription.billingCadence)!,
  };
  const isRunning = ['active', 'canceled'].includes(statusOfSubscription(subscription, at));
  const current = periodAt(schedule, at);
  const times = {
    createdAt: toTimeText(subscription.createdAt),
    updatedAt: toTimeText(subscription.updatedAt),
  };
  const cutOff = subscription.activeTo ?? Number.POSITIVE_INFINITY;
  return {
    ...subscriptionAnswer(subscription, at),
    alignment: {
      billablesMustAlign: true,
      ...(isRunning
        ? {
            currentAlignedBillingPeriod: {
              from: toTimeText(Math.max(current.from, subscription.activeFrom)),
              to: toTimeText(Math.min(current.to, cutOff)),
            },
          }
        : {}),
    },
    phases: subscription.phases
      .filter(({ activeFrom }) => activeFrom < cutOff)
      .map((phase) => {
        const span = {
          ...times,
          activeFrom: toTimeText(phase.activeFrom),
          activeTo: optionalTimeText(endOfPhase(subscription, phase)),
        };
        const timelines = timelinesOf(subscription, phase, times);
        return {
          id: phase.id,
          key: phase.key,
          name: phase.name,
          description: phase.description,
          metadata: phase.metadata,
          ...span,
          // As OpenMeter has it: what is in force at the time; before the phase its first items, after it its last.
          items: Object.values(timelines).flatMap((entries) => {
            const current = entries.filter(
              ({ activeFrom, activeTo }) =>
                Date.parse(activeFrom) <= at && (activeTo === undefined || Date.parse(activeTo) > at),
            );
            if (phase.activeFrom > at) return entries.slice(0, 1);
            const end = endOfPhase(subscription, phase);
            return end !== null && end <= at ? entries.slice(-1) : current;
          }),
          itemTimelines: timelines,
        };
      }),
  };
};

/** The items of a phase by their key, in the order in which they follow one another. */
const timelinesOf = (
  subscription: Subscription,
  phase: SubscriptionPhase,
  times: { createdAt: string; updatedAt: string },
) => {
  const timelines: Record<string, z.input<typeof item>[]> = {};
  const inForce = phase.items.flatMap((entry) => {
    const span = spanOfItem(subscription, phase, entry);
    return span ? [{ entry, span }] : [];
  });
  for (const { entry, span } of inForce.sort((a, b) => a.span.from - b.span.from)) {
    const { id, card, entitlementId } = entry;
    timelines[card.key] ??= [];
    timelines[card.key]!.push({
      id,
      key: card.key,
      name: card.name,
      description: card.description,
      metadata: card.metadata,
      ...times,
      activeFrom: toTimeText(span.from),
      activeTo: optionalTimeText(span.to),
      currency: subscription.currency,
      featureKey: card.featureKey,
      billingCadence: card.billingCadence,
      price: card.price,
      discounts: card.discounts,
      taxConfig: card.taxConfig,
      entitlementId: entitlementId ?? undefined,
    });
  }
  return timelines;
};
