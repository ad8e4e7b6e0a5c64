import { z } from 'zod';
import { endOfPhase, type Subscription, statusOfSubscription, subscriptionStatuses } from '../../billing';
import { parseInterval } from '../../primitives/durations';
import { periodAt } from '../../primitives/periods';
import { optionalTimeText, timeText, toTimeText } from '../openmeter/fields';
import { labelsAnswer } from './fields';
import { featureKeysOf, rateCardAnswer, rateCardSchema } from './rate-card-answer';

const period = z.object({ from: timeText, to: timeText });

export const subscriptionSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string().optional(),
    labels: labelsAnswer,
    customer_id: z.string(),
    plan_id: z.string(),
    plan: z.object({ id: z.string(), key: z.string(), version: z.number().int() }),
    active_from: timeText,
    active_to: timeText.optional(),
    status: z.enum(subscriptionStatuses),
    invoice_currency: z.string(),
    billing_cadence: z.string(),
    billing_anchor: timeText,
    pro_rating_config: z.object({
      enabled: z.boolean(),
      mode: z.enum(['no_proration', 'prorate_prices']),
    }),
    settlement_mode: z.literal('credit_then_invoice'),
    cost_basis_mode: z.literal('dynamic'),
    cost_basis_pins: z.array(z.never()),
    current_period: period.optional().describe('Present while the subscription is in force.'),
    phases: z.array(
      z.object({
        id: z.string(),
        key: z.string(),
        name: z.string(),
        description: z.string().optional(),
        labels: labelsAnswer.optional(),
        active_from: timeText,
        active_to: timeText.optional(),
        items: z.array(
          z.object({
            id: z.string(),
            active_from: timeText,
            active_to: timeText.optional(),
            rate_card: rateCardSchema,
          }),
        ),
        created_at: timeText,
        updated_at: timeText,
      }),
    ),
    created_at: timeText,
    updated_at: timeText,
  })
  .meta({ id: 'KonnectSubscription' });

/** The feature keys of a subscription's cards; `subscriptionAnswer` wants their ids. */
export const featureKeysOfSubscription = ({ phases }: Subscription): string[] =>
  featureKeysOf(phases.flatMap(({ items }) => items.map(({ card }) => card)));

const currentPeriodOf = (subscription: Subscription, now: number): z.input<typeof period> | undefined => {
  if (!['active', 'canceled'].includes(statusOfSubscription(subscription, now))) return undefined;
  const interval = parseInterval(subscription.billingCadence)!;
  const { from, to } = periodAt({ anchor: subscription.billingAnchor, interval }, now);
  const end = subscription.activeTo ?? Number.POSITIVE_INFINITY;
  return {
    from: toTimeText(Math.max(from, subscription.activeFrom)),
    to: toTimeText(Math.min(to, end)),
  };
};

/** A subscription in v3's shape. @param featureIds ids of features by their keys */
export const subscriptionAnswer = (
  subscription: Subscription,
  featureIds: ReadonlyMap<string, string>,
  now: number,
): z.input<typeof subscriptionSchema> => {
  const times = {
    created_at: toTimeText(subscription.createdAt),
    updated_at: toTimeText(subscription.updatedAt),
  };
  const cutOff = subscription.activeTo ?? Number.POSITIVE_INFINITY;
  return {
    id: subscription.id,
    name: subscription.name,
    description: subscription.description ?? undefined,
    labels: subscription.metadata,
    customer_id: subscription.customerId,
    plan_id: subscription.plan.id,
    plan: subscription.plan,
    active_from: toTimeText(subscription.activeFrom),
    active_to: optionalTimeText(subscription.activeTo),
    status: statusOfSubscription(subscription, now),
    invoice_currency: subscription.currency,
    billing_cadence: subscription.billingCadence,
    billing_anchor: toTimeText(subscription.billingAnchor),
    pro_rating_config: {
      enabled: subscription.isProrated,
      mode: subscription.isProrated ? 'prorate_prices' : 'no_proration',
    },
    settlement_mode: 'credit_then_invoice',
    cost_basis_mode: 'dynamic',
    cost_basis_pins: [],
    current_period: currentPeriodOf(subscription, now),
    phases: subscription.phases
      .filter(({ activeFrom }) => activeFrom < cutOff)
      .map((phase) => {
        const span = {
          active_from: toTimeText(phase.activeFrom),
          active_to: optionalTimeText(endOfPhase(subscription, phase)),
        };
        return {
          id: phase.id,
          key: phase.key,
          name: phase.name,
          description: phase.description,
          labels: phase.metadata,
          ...span,
          items: phase.items.map(({ id, card }) => ({
            id,
            ...span,
            rate_card: rateCardAnswer(card, featureIds),
          })),
          ...times,
        };
      }),
    ...times,
  };
};
