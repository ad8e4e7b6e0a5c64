import { z } from 'zod';
import { listPlanAddons, type PlanAddons, type Plans } from '../../billing';
import type { Clock } from '../../primitives/clock';
import type { Database } from '../../storage';
import { defineRoute, json, noContent, type Route } from '../route';
import {
  planAddonAnswer,
  planAddonBody,
  planAddonCreateBody,
  planAddonSchema,
  planAddonTermsOf,
} from './addon-schemas';
import { plainText, queryList } from './fields';
import { listingQuery, pageOf, pageSchema, sliceOf } from './listing';

const tag = 'Plans';
const planParams = z.object({ planId: plainText(1, 64) });
const params = planParams.extend({ planAddonId: plainText(1, 64) });
const plansPath = '/api/v1/plans/{planId}/addons';
const path = `${plansPath}/{planAddonId}`;
const answered = (status: 200 | 201) => ({
  [status]: { description: 'What the plan offers of the add-on.', schema: planAddonSchema },
});

export interface PlanAddonRoutesOptions {
  plans: Plans;
  planAddons: PlanAddons;
  database: Database;
  clock: Clock;
}

/** OpenMeter's assignments of add-ons to plans; an assignment goes by its add-on's id or key. */
export const planAddonRoutes = (options: PlanAddonRoutesOptions): Route[] => {
  const { plans, planAddons, database, clock } = options;
  return [
    defineRoute({
      method: 'get',
      path: plansPath,
      scope: 'read',
      tag,
      summary: 'List the add-ons that a plan offers',
      params: planParams,
      query: z.object({ ...listingQuery, id: queryList().optional(), key: queryList().optional() }),
      responses: { 200: { description: 'One page.', schema: pageSchema(planAddonSchema) } },
      handle: async ({ params: { planId }, query }) => {
        const plan = await plans.get(planId);
        const filter = { addonIds: query.id, keys: query.key };
        const { items, totalCount } = await listPlanAddons(database, plan.id, filter, sliceOf(query));
        const answers = items.map((planAddon) => planAddonAnswer(planAddon, clock.now()));
        return json(200, pageOf(query, answers, totalCount));
      },
    }),
    defineRoute({
      method: 'post',
      path: plansPath,
      scope: 'manage',
      tag,
      summary: 'Let a plan offer an add-on',
      params: planParams,
      body: planAddonCreateBody,
      responses: answered(201),
      handle: async ({ params: { planId }, body }) => {
        const made = await planAddons.create(planId, body.addonId, planAddonTermsOf(body));
        return json(201, planAddonAnswer(made, clock.now()));
      },
    }),
    defineRoute({
      method: 'get',
      path,
      scope: 'read',
      tag,
      summary: 'Get what a plan offers of an add-on',
      params,
      responses: answered(200),
      handle: async ({ params: { planId, planAddonId } }) => {
        const plan = await plans.get(planId);
        return json(200, planAddonAnswer(await planAddons.get(plan.id, planAddonId), clock.now()));
      },
    }),
    defineRoute({
      method: 'put',
      path,
      scope: 'manage',
      tag,
      summary: 'Change what a plan offers of an add-on',
      params,
      body: planAddonBody,
      responses: answered(200),
      handle: async ({ params: { planId, planAddonId }, body }) => {
        const changed = await planAddons.replace(planId, planAddonId, planAddonTermsOf(body));
        return json(200, planAddonAnswer(changed, clock.now()));
      },
    }),
    defineRoute({
      method: 'delete',
      path,
      scope: 'manage',
      tag,
      summary: 'Let a plan offer an add-on no longer',
      params,
      responses: { 204: { description: 'It is not offered any more.' } },
      handle: async ({ params: { planId, planAddonId } }) => {
        await planAddons.delete(planId, planAddonId);
        return noContent;
      },
    }),
  ];
};
