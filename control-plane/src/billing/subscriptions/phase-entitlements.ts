import type { Entitlements, NewEntitlement } from '../../entitlements';
import { toQuantity } from '../../primitives/decimal';
import type { Transaction } from '../../storage';
import {
  earlierEnd,
  endOfPhase,
  type Subscription,
  type SubscriptionItem,
  type SubscriptionPhase,
} from './subscription';

/** What has to be settled once more after COMMIT; entitlements' settleAfterIngest takes it. */
export type Unsettled = Awaited<ReturnType<Entitlements['createWithin']>>['changes'];

/**
 * Keeps the entitlements that a subscription makes of its rate cards' templates: one an item, for the time of its phase.
 * All of it happens in the caller's transaction.
 */
export const createPhaseEntitlements = (entitlements: Entitlements) => {
  /** Makes the entitlements that items lack; returns the phases with their ids. */
  const make = async (
    transaction: Transaction,
    subscription: Subscription,
    now: number,
  ): Promise<{ phases: SubscriptionPhase[]; unsettled: Unsettled }> => {
    const unsettled: Unsettled = [];
    const phases: SubscriptionPhase[] = [];
    for (const phase of subscription.phases) {
      const items: SubscriptionItem[] = [];
      for (const item of phase.items) {
        const input = item.entitlementId === null ? entitlementOf(subscription, phase, item) : undefined;
        if (!input) {
          items.push(item);
          continue;
        }
        const made = await entitlements.createWithin(transaction, subscription.customerId, input, now);
        unsettled.push(...made.changes);
        items.push({ ...item, entitlementId: made.entitlement.id });
      }
      phases.push({ ...phase, items });
    }
    return { phases, unsettled };
  };

  return {
    make,

    /**
     * Lets the entitlements end at `at`, at once where that is now; those that were to begin later are taken back.
     * @returns the phases, where an item whose entitlement was taken back has none
     */
    end: async (
      transaction: Transaction,
      subscription: Subscription,
      at: number,
      now: number,
    ): Promise<SubscriptionPhase[]> => {
      const gone: string[] = [];
      for (const phase of subscription.phases) {
        const ids = phase.items.flatMap(({ entitlementId }) => entitlementId ?? []);
        if (phase.activeFrom >= at || at <= now) gone.push(...ids);
        else if (phase.activeTo === null || phase.activeTo > at) {
          for (const id of ids) await entitlements.endAtWithin(transaction, id, at, now);
        }
      }
      if (gone.length > 0) await entitlements.endWithin(transaction, gone, 'subscription_ended', now);
      const isGone = new Set(gone);
      return subscription.phases.map((phase) => ({
        ...phase,
        items: phase.items.map((item) =>
          phase.activeFrom >= at && isGone.has(item.entitlementId ?? '')
            ? { ...item, entitlementId: null }
            : item,
        ),
      }));
    },

    /** Undoes `end` of a subscription whose end is still to come; it has none any more. */
    reopen: async (
      transaction: Transaction,
      subscription: Subscription,
      formerEnd: number,
      now: number,
    ): Promise<{ phases: SubscriptionPhase[]; unsettled: Unsettled }> => {
      for (const phase of subscription.phases) {
        const wasCut = phase.activeFrom < formerEnd && earlierEnd(phase.activeTo, formerEnd) === formerEnd;
        for (const { entitlementId } of wasCut ? phase.items : []) {
          if (entitlementId !== null)
            await entitlements.endAtWithin(transaction, entitlementId, phase.activeTo, now);
        }
      }
      return make(transaction, subscription, now);
    },
  };
};

/** What a rate card's template stands for; usage counts from the phase's start, in periods from the billing anchor. */
const entitlementOf = (
  subscription: Subscription,
  phase: SubscriptionPhase,
  { card, featureId }: SubscriptionItem,
): NewEntitlement | undefined => {
  const template = card.entitlementTemplate;
  if (!template || featureId === null) return undefined;
  const base = {
    feature: featureId,
    metadata: template.metadata,
    activeFrom: phase.activeFrom,
    activeTo: endOfPhase(subscription, phase),
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
    measureUsageFrom: phase.activeFrom,
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
