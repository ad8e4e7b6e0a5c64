import { z } from 'zod';
import {
  type NewSubscription,
  type Plans,
  type Subscription,
  type Subscriptions,
  searchSubscriptions,
} from '../../billing';
import { featureIdsByKey } from '../../catalog';
import type { Clock } from '../../primitives/clock';
import type { Database } from '../../storage';
import { plainText, time } from '../openmeter/fields';
import { defineRoute, json, type Route } from '../route';
import { labels } from './fields';
import { listQuery, pageAnswer, pageSchema, sliceOf } from './listing';
import { featureKeysOfSubscription, subscriptionAnswer, subscriptionSchema } from './subscription-answer';

const tag = 'Konnect: subscriptions';

const reference = {
  id: plainText(1, 64).optional(),
  key: plainText(1, 256).optional(),
};
const isNamed = ({ id, key }: { id?: string | undefined; key?: string | undefined }): boolean =>
  id !== undefined || key !== undefined;

const newSubscription = {
  labels: labels.optional(),
  settlement_mode: z
    .literal('credit_then_invoice', { error: 'must be "credit_then_invoice": there are no credits' })
    .optional(),
  customer: z.strictObject(reference).refine(isNamed, 'give the id or the key of the customer'),
  plan: z
    .strictObject({ ...reference, version: z.number().int().min(1).optional() })
    .refine(isNamed, 'give the id or the key of the plan'),
  billing_anchor: time.optional(),
  cost_basis_mode: z
    .literal('dynamic', { error: 'must be "dynamic": there are no custom currencies' })
    .optional(),
};

const timing = z.union([z.enum(['immediate', 'next_billing_cycle']), time]);
const createBody = z.strictObject(newSubscription);
const changeBody = z.strictObject({ ...newSubscription, timing });
const cancelBody = z.strictObject({ timing: timing.default('immediate') });

const params = z.object({ subscriptionId: plainText(1, 64) });
const path = '/subscriptions/{subscriptionId}';
const one = { description: 'The subscription.', schema: subscriptionSchema };
const columns = { id: 'id', active_from: 'activeFrom', active_to: 'activeTo' } as const;

export interface SubscriptionsOptions {
  subscriptions: Subscriptions;
  plans: Plans;
  database: Database;
  clock: Clock;
}

/** Subscriptions in v3's shape. */
export const subscriptionsRoutes = (options: SubscriptionsOptions): Route[] => {
  const { subscriptions, plans, database, clock } = options;

  const answersOf = async (list: readonly Subscription[]) => {
    const keys = [...new Set(list.flatMap(featureKeysOfSubscription))];
    const featureIds = await featureIdsByKey(database, keys);
    const now = clock.now();
    return list.map((subscription) => subscriptionAnswer(subscription, featureIds, now));
  };
  const answer = async (subscription: Subscription) => (await answersOf([subscription]))[0]!;

  const inputOf = async (body: z.output<typeof createBody>): Promise<NewSubscription> => {
    const { id, key, version } = body.plan;
    const plan = id === undefined ? undefined : await plans.get(id);
    return {
      planKey: plan?.key ?? key!,
      planVersion: plan?.version ?? version,
      metadata: body.labels,
      billingAnchor: body.billing_anchor,
    };
  };

  return [
    defineRoute({
      method: 'post',
      path: '/subscriptions',
      scope: 'manage',
      tag,
      summary: 'Subscribe a customer to a plan',
      body: createBody,
      responses: { 201: one },
      handle: async ({ body }) => {
        const customer = body.customer.id ?? body.customer.key!;
        return json(201, await answer(await subscriptions.create(customer, await inputOf(body))));
      },
    }),
    defineRoute({
      method: 'get',
      path: '/subscriptions',
      scope: 'read',
      tag,
      summary: 'List subscriptions',
      query: listQuery(
        ['id', 'customer_id', 'status', 'plan_id', 'plan_key'],
        ['id', 'active_from', 'active_to'],
        'active_from',
      ),
      responses: { 200: { description: 'One page.', schema: pageSchema(subscriptionSchema) } },
      handle: async ({ query: { page, sort, filter } }) => {
        const { items, totalCount } = await searchSubscriptions(
          database,
          {
            conditions: {
              id: filter.id,
              customerId: filter.customer_id,
              status: filter.status,
              planId: filter.plan_id,
              planKey: filter.plan_key,
            },
            orderBy: columns[sort.orderBy],
            isDescending: sort.isDescending,
            ...sliceOf(page),
          },
          clock.now(),
        );
        return json(200, pageAnswer(await answersOf(items), page, totalCount));
      },
    }),
    defineRoute({
      method: 'get',
      path,
      scope: 'read',
      tag,
      summary: 'Get a subscription with its phases',
      params,
      responses: { 200: one },
      handle: async (input) => json(200, await answer(await subscriptions.get(input.params.subscriptionId))),
    }),
    defineRoute({
      method: 'post',
      path: `${path}/cancel`,
      scope: 'manage',
      tag,
      summary: 'Cancel a subscription, now or later',
      params,
      body: cancelBody.default({ timing: 'immediate' }),
      responses: { 200: one },
      handle: async ({ params: { subscriptionId }, body }) =>
        json(200, await answer(await subscriptions.cancel(subscriptionId, body.timing))),
    }),
    defineRoute({
      method: 'post',
      path: `${path}/unschedule-cancelation`,
      scope: 'manage',
      tag,
      summary: 'Take a scheduled cancelation back',
      params,
      responses: { 200: one },
      handle: async ({ params: { subscriptionId } }) =>
        json(200, await answer(await subscriptions.unscheduleCancelation(subscriptionId))),
    }),
    defineRoute({
      method: 'post',
      path: `${path}/change`,
      scope: 'manage',
      tag,
      summary: 'Change to another plan',
      params,
      body: changeBody,
      responses: {
        200: {
          description: 'The one that ends and the one that begins.',
          schema: z.object({ current: subscriptionSchema, next: subscriptionSchema }),
        },
      },
      handle: async ({ params: { subscriptionId }, body }) => {
        const changed = await subscriptions.change(subscriptionId, body.timing, await inputOf(body));
        return json(200, { current: await answer(changed.current), next: await answer(changed.next) });
      },
    }),
  ];
};
