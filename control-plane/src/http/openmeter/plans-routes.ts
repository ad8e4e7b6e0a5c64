import { z } from 'zod';
import { listPlans, type Plan, type Plans, planStatuses } from '../../billing';
import type { Clock } from '../../primitives/clock';
import type { Database } from '../../storage';
import { defineRoute, json, noContent, type Route } from '../route';
import { plainText, queryFlag, queryList, repeated, searchText } from './fields';
import { listingQuery, pageOf, pageSchema, sliceOf } from './listing';
import { planAnswer, planBody, planCreateBody, planDetailsOf, planSchema } from './plan-schemas';

const tag = 'Plans';
const params = z.object({ planId: plainText(1, 64) });
const path = '/api/v1/plans/{planId}';
const answered = (status: 200 | 201, description: string) => ({
  [status]: { description, schema: planSchema },
});

const listQuery = z.object({
  ...listingQuery,
  includeDeleted: queryFlag.default(false),
  id: queryList().optional(),
  key: queryList().optional(),
  keyVersion: z
    .record(z.string().max(64), repeated(z.coerce.number().int().min(1), 100))
    .optional()
    .describe('Versions by key: keyVersion[pro]=1.'),
  status: repeated(z.enum(planStatuses), planStatuses.length).optional(),
  currency: queryList().optional(),
  search: searchText.optional(),
  orderBy: z.enum(['id', 'key', 'version', 'created_at', 'updated_at']).default('created_at'),
});

export interface PlanRoutesOptions {
  plans: Plans;
  database: Database;
  clock: Clock;
}

/** OpenMeter's plans: versioned price lists that subscriptions are made of. */
export const planRoutes = ({ plans, database, clock }: PlanRoutesOptions): Route[] => {
  const answer = async (plan: Plan) => planAnswer(plan, await plans.problemsOf(plan), clock.now());

  return [
    defineRoute({
      method: 'post',
      path: '/api/v1/plans',
      scope: 'manage',
      tag,
      summary: 'Create a plan as a draft',
      body: planCreateBody,
      responses: answered(201, 'The draft; validationErrors lists what keeps it from being published.'),
      handle: async ({ body }) =>
        json(201, await answer(await plans.create(body.key, body.currency, planDetailsOf(body)))),
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/plans',
      scope: 'read',
      tag,
      summary: 'List plans',
      query: listQuery,
      responses: { 200: { description: 'One page.', schema: pageSchema(planSchema) } },
      handle: async ({ query }) => {
        const { items, totalCount } = await listPlans(
          database,
          {
            ids: query.id,
            keys: query.key,
            keyVersions:
              query.keyVersion &&
              Object.entries(query.keyVersion).flatMap(([key, versions]) =>
                versions.map((version) => `${key}:${version}`),
              ),
            statuses: query.status,
            currencies: query.currency,
            search: query.search,
            includeDeleted: query.includeDeleted,
            orderBy: query.orderBy,
            isDescending: query.order === 'DESC',
          },
          sliceOf(query),
          clock.now(),
        );
        const answers = [];
        for (const plan of items) answers.push(await answer(plan));
        return json(200, pageOf(query, answers, totalCount));
      },
    }),
    defineRoute({
      method: 'get',
      path,
      scope: 'read',
      tag,
      summary: 'Get a plan by id, or the newest published version of a key',
      params,
      query: z.object({ includeLatest: queryFlag.default(false) }),
      responses: answered(200, 'The plan.'),
      handle: async ({ params: { planId }, query }) =>
        json(200, await answer(await plans.get(planId, query.includeLatest))),
    }),
    defineRoute({
      method: 'put',
      path,
      scope: 'manage',
      tag,
      summary: 'Replace a draft',
      params,
      body: planBody,
      responses: answered(200, 'The draft.'),
      handle: async ({ params: { planId }, body }) =>
        json(200, await answer(await plans.replace(planId, planDetailsOf(body)))),
    }),
    defineRoute({
      method: 'delete',
      path,
      scope: 'manage',
      tag,
      summary: 'Delete a draft or an archived plan',
      params,
      responses: { 204: { description: 'It is deleted.' } },
      handle: async ({ params: { planId } }) => {
        await plans.delete(planId);
        return noContent;
      },
    }),
    defineRoute({
      method: 'post',
      path: `${path}/publish`,
      scope: 'manage',
      tag,
      summary: 'Put a draft in force; the version in force until now is archived',
      params,
      responses: answered(200, 'The plan.'),
      handle: async ({ params: { planId } }) => json(200, await answer(await plans.publish(planId))),
    }),
    defineRoute({
      method: 'post',
      path: `${path}/archive`,
      scope: 'manage',
      tag,
      summary: 'Take a plan out of force; its subscriptions go on',
      params,
      responses: answered(200, 'The plan.'),
      handle: async ({ params: { planId } }) => json(200, await answer(await plans.archive(planId))),
    }),
    defineRoute({
      method: 'post',
      path: `${path}/next`,
      scope: 'manage',
      tag,
      summary: 'Copy the newest version into a new draft',
      params,
      responses: answered(201, 'The draft.'),
      handle: async ({ params: { planId } }) => json(201, await answer(await plans.next(planId))),
    }),
  ];
};
