import { findFeature } from '../../catalog';
import { findCustomer, lockCustomer } from '../../customers';
import type { Entitlements, SettleAfterIngest } from '../../entitlements';
import type { Clock } from '../../primitives/clock';
import { parseInterval } from '../../primitives/durations';
import type { IdentifierSource } from '../../primitives/identifiers';
import { nextBoundaryAfter } from '../../primitives/periods';
import { conflict, invalid, notFound, type Refusal } from '../../primitives/refusal';
import type { Database, Queryable, Transaction } from '../../storage';
import { featuresOfCards } from '../plans/features-of-cards';
import { type Plan, statusOfPlan } from '../plans/plan';
import { versionsOfPlan } from '../plans/plan-store';
import { problemsOfRateCard } from '../plans/problems-of-plan';
import { type EditOperation, editPhases } from './edit-phases';
import { createItemEntitlements, type Unsettled } from './item-entitlements';
import { layOutPhases } from './lay-out-phases';
import { type Subscription, type SubscriptionStatus, statusOfSubscription } from './subscription';
import {
  findSubscription,
  insertSubscription,
  lockSubscription,
  overlappingSubscriptions,
  updateSubscription,
} from './subscription-store';

/** When a change takes effect: at once, at the end of the billing period, or at an instant (epoch milliseconds). */
export type Timing = 'immediate' | 'next_billing_cycle' | number;

/** What a caller decides about a subscription. Times are epoch milliseconds. */
export interface NewSubscription {
  planKey: string;
  /** The active version unless given. */
  planVersion?: number | undefined;
  startingPhase?: string | undefined;
  name?: string | undefined;
  description?: string | undefined;
  metadata?: Record<string, string> | undefined;
  /** The start unless given. */
  billingAnchor?: number | undefined;
}

/** What invoices do when a subscription is made or its end changes; called in the transaction that does it. */
export interface SubscriptionFollower {
  changed(transaction: Transaction, subscription: Subscription, now: number): Promise<void>;
}

export interface SubscriptionsOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
  entitlements: Entitlements;
  settleAfterIngest: SettleAfterIngest;
  follower: SubscriptionFollower;
}

/** Creates, changes and ends subscriptions, and with them the entitlements of their plans. */
export const createSubscriptions = (options: SubscriptionsOptions) => {
  const { database, clock, newId, settleAfterIngest, follower } = options;
  const itemEntitlements = createItemEntitlements(options.entitlements);

  /** Makes a subscription from `activeFrom` on; the customer is locked and has none from then on. */
  const insert = async (
    transaction: Transaction,
    customerId: string,
    input: NewSubscription,
    activeFrom: number,
    now: number,
  ): Promise<{ subscription: Subscription; unsettled: Unsettled }> => {
    const plan = await activePlan(transaction, input, now);
    const featureIds = await featureIdsOf(transaction, plan);
    const subscription: Subscription = {
      id: newId(),
      customerId,
      plan: { id: plan.id, key: plan.key, version: plan.version },
      name: input.name ?? plan.name,
      description: input.description ?? plan.description,
      metadata: input.metadata ?? {},
      currency: plan.currency,
      billingCadence: plan.billingCadence,
      billingAnchor: input.billingAnchor ?? activeFrom,
      isProrated: plan.isProrated,
      phases: layOutPhases(plan, input.startingPhase, activeFrom, featureIds, newId),
      activeFrom,
      activeTo: null,
      nextLinesAt: activeFrom,
      createdAt: now,
      updatedAt: now,
      deletedAt: null,
    };
    const { phases, unsettled } = await itemEntitlements.follow(transaction, undefined, subscription, now);
    const made = { ...subscription, phases };
    await insertSubscription(transaction, made);
    await follower.changed(transaction, made, now);
    return { subscription: made, unsettled };
  };

  /** Stores a changed subscription, with its entitlements and its lines. */
  const save = async (
    transaction: Transaction,
    before: Subscription,
    after: Subscription,
    now: number,
  ): Promise<{ result: Subscription; unsettled: Unsettled }> => {
    const { phases, unsettled } = await itemEntitlements.follow(transaction, before, after, now);
    const saved = { ...after, phases, updatedAt: now };
    await updateSubscription(transaction, saved);
    await follower.changed(transaction, saved, now);
    return { result: saved, unsettled };
  };

  const end = async (transaction: Transaction, subscription: Subscription, at: number, now: number) =>
    (await save(transaction, subscription, { ...subscription, activeTo: at }, now)).result;

  const remove = async (transaction: Transaction, subscription: Subscription, now: number): Promise<void> => {
    const removed = { ...subscription, activeTo: subscription.activeFrom, deletedAt: now };
    await save(transaction, subscription, removed, now);
  };

  /** Runs a change alone among those of the customer; lets the new entitlements settle once more afterwards. */
  const changing = async <T>(
    id: string,
    change: (
      transaction: Transaction,
      subscription: Subscription,
      now: number,
    ) => Promise<{ result: T; unsettled?: Unsettled }>,
  ): Promise<T> => {
    const found = await required(database, id);
    const { result, unsettled } = await database.transaction(async (transaction) => {
      await lockCustomer(transaction, found.customerId);
      const subscription = await lockSubscription(transaction, id);
      if (!subscription) throw notFound('subscription', id);
      return change(transaction, subscription, clock.now());
    });
    await settleAfterIngest.after(unsettled ?? [], 'subscription_changed');
    return result;
  };

  /** Ends one subscription and begins the next, at one instant. */
  const replaceWith = (id: string, timing: Timing, next: (current: Subscription) => NewSubscription) =>
    changing(id, async (transaction, subscription, now) => {
      expectStatus(subscription, ['active', 'canceled'], now, 'changed');
      const at = instantOf(timing, subscription, now);
      const later = await overlappingSubscriptions(transaction, subscription.customerId, at, id);
      if (later.length > 0) throw singleSubscription(later[0]!);
      const current = await end(transaction, subscription, at, now);
      const input = next(subscription);
      const made = await insert(
        transaction,
        subscription.customerId,
        { ...input, billingAnchor: input.billingAnchor ?? subscription.billingAnchor },
        at,
        now,
      );
      return { result: { current, next: made.subscription }, unsettled: made.unsettled };
    });

  const reopen = (transaction: Transaction, subscription: Subscription, now: number) =>
    save(transaction, subscription, { ...subscription, activeTo: null }, now);

  return {
    /**
     * Subscribes a customer to a plan.
     * @param at the start: now, or an instant that may lie in the past
     * @throws Refusal `only_single_subscription_allowed_per_customer_at_a_time`, `customer_not_found`, `plan_not_found`,
     *   `invalid_subscription`, `entitlement_exists`
     */
    create: async (customerIdOrKey: string, input: NewSubscription, at?: number): Promise<Subscription> => {
      const customer = await findCustomer(database, customerIdOrKey);
      if (!customer) throw notFound('customer', customerIdOrKey);
      const { subscription, unsettled } = await database.transaction(async (transaction) => {
        if (!(await lockCustomer(transaction, customer.id))) throw notFound('customer', customerIdOrKey);
        const now = clock.now();
        const activeFrom = at ?? now;
        const others = await overlappingSubscriptions(transaction, customer.id, activeFrom);
        if (others.length > 0) throw singleSubscription(others[0]!);
        return insert(transaction, customer.id, input, activeFrom, now);
      });
      await settleAfterIngest.after(unsettled, 'subscription_created');
      return subscription;
    },

    /** @throws Refusal `subscription_not_found` */
    get: (id: string): Promise<Subscription> => required(database, id),

    /** @throws Refusal `subscription_not_found`, `subscription_state`, `invalid_timing` */
    cancel: (id: string, timing: Timing): Promise<Subscription> =>
      changing(id, async (transaction, subscription, now) => {
        expectStatus(subscription, ['active', 'canceled'], now, 'canceled');
        return { result: await end(transaction, subscription, instantOf(timing, subscription, now), now) };
      }),

    /** Changes to another plan: access and prices follow at the given time. @throws Refusal as create and cancel */
    change: (id: string, timing: Timing, input: NewSubscription) => replaceWith(id, timing, () => input),

    /** Moves to another version of the same plan, the active one unless given. @throws Refusal as create and cancel */
    migrate: (
      id: string,
      timing: Timing,
      input: Pick<NewSubscription, 'planVersion' | 'startingPhase' | 'billingAnchor'>,
    ) =>
      replaceWith(id, timing, ({ plan, name, description, metadata }) => ({
        ...input,
        planKey: plan.key,
        name,
        description: description ?? undefined,
        metadata,
      })),

    /**
     * Changes the terms of one subscription apart from its plan: items and phases, from the given time on.
     * @throws Refusal `invalid_edit` naming the operation, `subscription_state`, `invalid_timing`
     */
    edit: (id: string, timing: Timing, operations: readonly EditOperation[]): Promise<Subscription> =>
      changing(id, async (transaction, subscription, now) => {
        expectStatus(subscription, ['active', 'canceled', 'scheduled'], now, 'edited');
        const at = Math.max(instantOf(timing, subscription, now), subscription.activeFrom);
        const featureIds = await featureIdsOfEdit(transaction, operations);
        const phases = editPhases(subscription, operations, { at, featureIds, newId });
        return save(transaction, subscription, { ...subscription, phases }, now);
      }),

    /** Takes a scheduled cancelation back. @throws Refusal `subscription_state`, the one for a second subscription */
    unscheduleCancelation: (id: string): Promise<Subscription> =>
      changing(id, async (transaction, subscription, now) => {
        expectStatus(subscription, ['canceled'], now, 'continued');
        const from = subscription.activeTo!;
        const later = await overlappingSubscriptions(transaction, subscription.customerId, from, id);
        if (later.length > 0) throw singleSubscription(later[0]!);
        return reopen(transaction, subscription, now);
      }),

    /** The same, and deletes what was scheduled to follow. @throws Refusal `subscription_state` */
    restore: (id: string): Promise<Subscription> =>
      changing(id, async (transaction, subscription, now) => {
        expectStatus(subscription, ['canceled'], now, 'restored');
        const from = subscription.activeTo!;
        for (const later of await overlappingSubscriptions(transaction, subscription.customerId, from, id)) {
          await remove(transaction, later, now);
        }
        return reopen(transaction, subscription, now);
      }),

    /** Deletes a subscription that has not begun. @throws Refusal `subscription_state` */
    delete: (id: string): Promise<void> =>
      changing(id, async (transaction, subscription, now) => {
        expectStatus(subscription, ['scheduled'], now, 'deleted');
        await remove(transaction, subscription, now);
        return { result: undefined };
      }),
  };
};

export type Subscriptions = ReturnType<typeof createSubscriptions>;

const required = async (queryable: Queryable, id: string): Promise<Subscription> => {
  const subscription = await findSubscription(queryable, id);
  if (!subscription) throw notFound('subscription', id);
  return subscription;
};

/** OpenMeter's refusal of a second subscription; its SDKs' users look for the code in the detail. */
const singleSubscription = ({ id, name }: Subscription): Refusal =>
  conflict(
    'only_single_subscription_allowed_per_customer_at_a_time',
    `only_single_subscription_allowed_per_customer_at_a_time: the subscription "${name}" is in force then; cancel or change it`,
    { conflictingEntityId: id },
  );

const expectStatus = (
  subscription: Subscription,
  allowed: readonly SubscriptionStatus[],
  now: number,
  action: string,
): void => {
  const status = statusOfSubscription(subscription, now);
  if (allowed.includes(status)) return;
  const message = `a subscription that is ${status} cannot be ${action}; it must be ${allowed.join(' or ')}`;
  throw conflict('subscription_state', message, { status });
};

/**
 * When a change of a subscription takes effect.
 * @throws Refusal `invalid_timing` for an instant in the past or after the end
 */
const instantOf = (timing: Timing, subscription: Subscription, now: number): number => {
  const refuse = (message: string): Refusal =>
    invalid('invalid_timing', message, [{ code: 'invalid_timing', field: '$.timing', message }]);
  const interval = parseInterval(subscription.billingCadence)!;
  const at =
    timing === 'next_billing_cycle'
      ? nextBoundaryAfter({ anchor: subscription.billingAnchor, interval }, now)
      : timing;
  if (at === 'immediate') return now;
  if (at < now) throw refuse('timing lies in the past; use "immediate" or a later time');
  if (subscription.activeTo !== null && at > subscription.activeTo) {
    throw refuse('timing lies after the end of the subscription; use an earlier time or restore it first');
  }
  return at;
};

const activePlan = async (
  queryable: Queryable,
  { planKey, planVersion }: NewSubscription,
  now: number,
): Promise<Plan> => {
  const versions = await versionsOfPlan(queryable, planKey);
  const plan =
    planVersion === undefined
      ? versions.find((version) => statusOfPlan(version, now) === 'active')
      : versions.find(({ version }) => version === planVersion);
  if (!plan) throw notFound('plan', planVersion === undefined ? planKey : `${planKey} ${planVersion}`);
  const status = statusOfPlan(plan, now);
  if (status === 'active') return plan;
  const message = `version ${plan.version} of the plan "${planKey}" is ${status}; subscribe to an active version`;
  throw invalid('invalid_subscription', message, [{ code: 'plan_not_active', field: '$.plan', message }]);
};

/** @throws Refusal `invalid_edit` where a rate card that is added is not sound */
const featureIdsOfEdit = async (
  queryable: Queryable,
  operations: readonly EditOperation[],
): Promise<Map<string, string>> => {
  const cards = operations.flatMap((operation) => (operation.op === 'add_item' ? operation.rateCard : []));
  const features = await featuresOfCards(queryable, cards);
  const problems = operations.flatMap((operation, index) =>
    operation.op === 'add_item'
      ? problemsOfRateCard(operation.rateCard, features, `$.customizations[${index}].rateCard`)
      : [],
  );
  if (problems.length > 0)
    throw invalid('invalid_edit', `${problems[0]!.field} ${problems[0]!.message}`, problems);
  return new Map([...features].map(([key, { id }]) => [key, id]));
};

const featureIdsOf = async (queryable: Queryable, plan: Plan): Promise<Map<string, string>> => {
  const ids = new Map<string, string>();
  for (const { featureKey } of plan.phases.flatMap(({ rateCards }) => rateCards)) {
    if (featureKey === undefined || ids.has(featureKey)) continue;
    const feature = await findFeature(queryable, featureKey);
    if (!feature || feature.archivedAt !== null) {
      const message = `the plan's feature "${featureKey}" is archived; publish a version of the plan without it`;
      throw invalid('invalid_subscription', message, [
        { code: 'feature_archived', field: '$.plan', message },
      ]);
    }
    ids.set(featureKey, feature.id);
  }
  return ids;
};
