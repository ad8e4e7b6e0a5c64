import { z } from 'zod';
import {
  listSubscriptions,
  type NewSubscription,
  type Subscriptions,
  subscriptionStatuses,
} from '../../billing';
import type { Customers } from '../../customers';
import type { Clock } from '../../primitives/clock';
import type { Database } from '../../storage';
import { defineRoute, json, noContent, type Route } from '../route';
import { plainText, repeated, time } from './fields';
import { listingQuery, pageOf, pageSchema, sliceOf } from './listing';
import {
  expandedSubscriptionAnswer,
  expandedSubscriptionSchema,
  subscriptionAnswer,
  subscriptionCancelBody,
  subscriptionChangeBody,
  subscriptionCreateBody,
  subscriptionEditBody,
  subscriptionMigrateBody,
  subscriptionSchema,
} from './subscription-schemas';

const tag = 'Subscriptions';
const params = z.object({ subscriptionId: plainText(1, 64) });
const path = '/api/v1/subscriptions/{subscriptionId}';
const changed = z.object({ current: subscriptionSchema, next: expandedSubscriptionSchema });

const newSubscriptionOf = (
  body: Omit<z.output<typeof subscriptionChangeBody>, 'timing'>,
): NewSubscription => ({
  planKey: body.plan.key,
  planVersion: body.plan.version,
  startingPhase: body.startingPhase,
  name: body.name,
  description: body.description,
  metadata: body.metadata,
  billingAnchor: body.billingAnchor,
});

export interface SubscriptionRoutesOptions {
  subscriptions: Subscriptions;
  customers: Customers;
  database: Database;
  clock: Clock;
}

/** OpenMeter's subscriptions: a customer's plan, and with it its entitlements and invoices. */
export const subscriptionRoutes = (options: SubscriptionRoutesOptions): Route[] => {
  const { subscriptions, customers, database, clock } = options;
  const one = { 200: { description: 'The subscription.', schema: subscriptionSchema } };

  return [
    defineRoute({
      method: 'post',
      path: '/api/v1/subscriptions',
      scope: 'manage',
      tag,
      summary: 'Subscribe a customer to a plan',
      body: subscriptionCreateBody,
      responses: { 201: { description: 'The subscription.', schema: subscriptionSchema } },
      handle: async ({ body }) => {
        const customer = body.customerId ?? body.customerKey!;
        const at = body.timing === 'immediate' ? undefined : body.timing;
        const subscription = await subscriptions.create(customer, newSubscriptionOf(body), at);
        return json(201, subscriptionAnswer(subscription, clock.now()));
      },
    }),
    defineRoute({
      method: 'get',
      path,
      scope: 'read',
      tag,
      summary: 'Get a subscription with its phases',
      params,
      query: z.object({ at: time.optional() }),
      responses: { 200: { description: 'The subscription.', schema: expandedSubscriptionSchema } },
      handle: async ({ params: { subscriptionId }, query }) => {
        const subscription = await subscriptions.get(subscriptionId);
        return json(200, expandedSubscriptionAnswer(subscription, query.at ?? clock.now()));
      },
    }),
    defineRoute({
      method: 'patch',
      path,
      scope: 'manage',
      tag,
      summary: "Change a subscription's own items and phases",
      params,
      body: subscriptionEditBody,
      responses: one,
      handle: async ({ params: { subscriptionId }, body }) => {
        const edited = await subscriptions.edit(subscriptionId, body.timing, body.customizations);
        return json(200, subscriptionAnswer(edited, clock.now()));
      },
    }),
    defineRoute({
      method: 'delete',
      path,
      scope: 'manage',
      tag,
      summary: 'Delete a subscription that has not begun',
      params,
      responses: { 204: { description: 'It is deleted.' } },
      handle: async ({ params: { subscriptionId } }) => {
        await subscriptions.delete(subscriptionId);
        return noContent;
      },
    }),
    defineRoute({
      method: 'post',
      path: `${path}/cancel`,
      scope: 'manage',
      tag,
      summary: 'Cancel a subscription, now or later',
      params,
      body: subscriptionCancelBody,
      responses: one,
      handle: async ({ params: { subscriptionId }, body }) =>
        json(200, subscriptionAnswer(await subscriptions.cancel(subscriptionId, body.timing), clock.now())),
    }),
    defineRoute({
      method: 'post',
      path: `${path}/unschedule-cancelation`,
      scope: 'manage',
      tag,
      summary: 'Take a scheduled cancelation back',
      params,
      responses: one,
      handle: async ({ params: { subscriptionId } }) =>
        json(200, subscriptionAnswer(await subscriptions.unscheduleCancelation(subscriptionId), clock.now())),
    }),
    defineRoute({
      method: 'post',
      path: `${path}/restore`,
      scope: 'manage',
      tag,
      summary: 'Continue a canceled subscription and delete what was to follow it',
      params,
      responses: one,
      handle: async ({ params: { subscriptionId } }) =>
        json(200, subscriptionAnswer(await subscriptions.restore(subscriptionId), clock.now())),
    }),
    defineRoute({
      method: 'post',
      path: `${path}/change`,
      scope: 'manage',
      tag,
      summary: 'Change to another plan',
      params,
      body: subscriptionChangeBody,
      responses: { 200: { description: 'The one that ends and the one that begins.', schema: changed } },
      handle: async ({ params: { subscriptionId }, body }) => {
        const { current, next } = await subscriptions.change(
          subscriptionId,
          body.timing,
          newSubscriptionOf(body),
        );
        const now = clock.now();
        return json(200, {
          current: subscriptionAnswer(current, now),
          next: expandedSubscriptionAnswer(next, now),
        });
      },
    }),
    defineRoute({
      method: 'post',
      path: `${path}/migrate`,
      scope: 'manage',
      tag,
      summary: 'Move to another version of the plan',
      params,
      body: subscriptionMigrateBody,
      responses: { 200: { description: 'The one that ends and the one that begins.', schema: changed } },
      handle: async ({ params: { subscriptionId }, body }) => {
        const { timing, targetVersion, startingPhase, billingAnchor } = body;
        const { current, next } = await subscriptions.migrate(subscriptionId, timing, {
          planVersion: targetVersion,
          startingPhase,
          billingAnchor,
        });
        const now = clock.now();
        return json(200, {
          current: subscriptionAnswer(current, now),
          next: expandedSubscriptionAnswer(next, now),
        });
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/customers/{customerIdOrKey}/subscriptions',
      scope: 'read',
      tag,
      summary: "List a customer's subscriptions",
      params: z.object({ customerIdOrKey: plainText(1, 256) }),
      query: z.object({
        ...listingQuery,
        status: repeated(z.enum(subscriptionStatuses), subscriptionStatuses.length).optional(),
        orderBy: z.enum(['activeFrom', 'activeTo']).default('activeFrom'),
      }),
      responses: { 200: { description: 'One page.', schema: pageSchema(subscriptionSchema) } },
      handle: async ({ params: { customerIdOrKey }, query }) => {
        const customer = await customers.get(customerIdOrKey);
        const now = clock.now();
        const { items, totalCount } = await listSubscriptions(
          database,
          customer.id,
          { statuses: query.status, orderBy: query.orderBy, isDescending: query.order === 'DESC' },
          sliceOf(query),
          now,
        );
        const answers = items.map((subscription) => subscriptionAnswer(subscription, now));
        return json(200, pageOf(query, answers, totalCount));
      },
    }),
  ];
};
