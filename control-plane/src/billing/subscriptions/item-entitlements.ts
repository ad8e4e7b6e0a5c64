import type { Entitlements, NewEntitlement } from '../../entitlements';
import { toQuantity } from '../../primitives/decimal';
import type { Transaction } from '../../storage';
import {
  type ItemSpan,
  type Subscription,
  type SubscriptionItem,
  type SubscriptionPhase,
  spanOfItem,
} from './subscription';

/** What has to be settled once more after COMMIT; entitlements' settleAfterIngest takes it. */
export type Unsettled = Awaited<ReturnType<Entitlements['createWithin']>>['changes'];

/** When the entitlements of a subscription are in force, by their ids; items that follow one another may share one. */
const entitledSpans = (subscription: Subscription): Map<string, ItemSpan> => {
  const spans = new Map<string, ItemSpan>();
  for (const phase of subscription.phases) {
    for (const item of phase.items) {
      const span = item.entitlementId === null ? undefined : spanOfItem(subscription, phase, item);
      if (!span) continue;
      const { from, to } = spans.get(item.entitlementId!) ?? span;
      spans.set(item.entitlementId!, {
        from: Math.min(from, span.from),
        to: to === null || span.to === null ? null : Math.max(to, span.to),
      });
    }
  }
  return spans;
};

/**
 * Makes the entitlements of a subscription those that its items' templates stand for, each for the time of its item: ends
 * what has an earlier end now or is gone, and makes what is missing. All of it happens in the caller's transaction.
 */
export const createItemEntitlements = (entitlements: Entitlements) => ({
  /**
   * @param before the subscription as it was; undefined for a new one
   * @returns the phases as they are to be stored, with the ids of the entitlements
   */
  follow: async (
    transaction: Transaction,
    before: Subscription | undefined,
    after: Subscription,
    now: number,
  ): Promise<{ phases: SubscriptionPhase[]; unsettled: Unsettled }> => {
    const wanted = entitledSpans(after);
    const ended: string[] = [];
    for (const [id, was] of before ? entitledSpans(before) : []) {
      const span = wanted.get(id);
      // What begins at another time than it was made for is made anew.
      if (!span || span.from !== was.from) wanted.delete(id);
      if (!wanted.has(id) || (span!.to !== was.to && span!.to !== null && span!.to <= now)) ended.push(id);
      else if (span!.to !== was.to) await entitlements.endAtWithin(transaction, id, span!.to, now);
    }
    if (ended.length > 0) await entitlements.endWithin(transaction, ended, 'subscription_ended', now);

    const unsettled: Unsettled = [];
    const phases: SubscriptionPhase[] = [];
    for (const phase of after.phases) {
      const items: SubscriptionItem[] = [];
      for (const item of phase.items) {
        const isKept = item.entitlementId !== null && wanted.has(item.entitlementId);
        const input = isKept ? undefined : entitlementOf(after, phase, item);
        if (!input) {
          items.push(isKept ? item : { ...item, entitlementId: null });
          continue;
        }
        const made = await entitlements.createWithin(transaction, after.customerId, input, now);
        unsettled.push(...made.changes);
        items.push({ ...item, entitlementId: made.entitlement.id });
      }
      phases.push({ ...phase, items });
    }
    return { phases, unsettled };
  },
});

/** What a rate card's template stands for; usage counts from the item's start, in periods from the billing anchor. */
const entitlementOf = (
  subscription: Subscription,
  phase: SubscriptionPhase,
  item: SubscriptionItem,
): NewEntitlement | undefined => {
  const { card, featureId } = item;
  const template = card.entitlementTemplate;
  const span = spanOfItem(subscription, phase, item);
  if (!template || featureId === null || !span) return undefined;
  const base = {
    feature: featureId,
    metadata: template.metadata,
    activeFrom: span.from,
    activeTo: span.to,
    subscriptionId: subscription.id,
    annotations: { 'subscription.id': subscription.id, 'subscription.item.key': card.key },
  };
  if (template.type === 'boolean') return { ...base, type: 'boolean' };
  if (template.type === 'static') return { ...base, type: 'static', config: template.config };
  const { issueAfterReset } = template;
  return {
    ...base,
    type: 'metered',
    isSoftLimit: template.isSoftLimit,
    preserveOverageAtReset: template.preserveOverageAtReset,
    measureUsageFrom: item.measuredFrom ?? span.from,
    usagePeriod: {
      interval: template.usagePeriod ?? card.billingCadence ?? subscription.billingCadence,
      anchor: subscription.billingAnchor,
    },
    issueAfterReset:
      issueAfterReset === undefined
        ? undefined
        : { amount: toQuantity(issueAfterReset), priority: template.issueAfterResetPriority },
  };
};
