import { z } from 'zod';
import type { Notifications } from '../../notifications';
import { defineRoute, json, noContent, type Route } from '../route';
import { pageNumber, pageSize, queryFlag, repeated } from './fields';
import {
  eventResponse,
  eventSchema,
  idParameter,
  pageOf,
  ruleBody,
  ruleInputOf,
  ruleResponse,
  ruleSchema,
  ulidParameter,
} from './notification-schemas';

const tag = 'Notifications';
const path = '/api/v1/notification/rules';

/** OpenMeter's notification rules: what is told, and over which channels. */
export const notificationRuleRoutes = ({
  rules,
  events,
}: Pick<Notifications, 'rules' | 'events'>): Route[] => {
  const params = idParameter('ruleId');
  const found = { 200: { description: 'The rule.', schema: ruleSchema } };

  return [
    defineRoute({
      method: 'get',
      path,
      scope: 'read',
      tag,
      summary: 'List notification rules',
      query: z.object({
        includeDeleted: queryFlag.default(false),
        includeDisabled: queryFlag.default(false),
        feature: repeated(z.string().min(1).max(64)).optional(),
        channel: repeated(ulidParameter).optional(),
        page: pageNumber.default(1),
        pageSize: pageSize.default(100),
        order: z.enum(['ASC', 'DESC']).default('ASC'),
        orderBy: z.enum(['id', 'type', 'createdAt', 'updatedAt']).default('id'),
      }),
      responses: { 200: { description: 'A page of rules.', schema: pageOf(ruleSchema) } },
      handle: async ({ query }) => {
        const { feature, channel, page, pageSize } = query;
        const { items, totalCount } = await rules.list({ ...query, features: feature, channels: channel });
        return json(200, { items: items.map(ruleResponse), page, pageSize, totalCount });
      },
    }),
    defineRoute({
      method: 'post',
      path,
      scope: 'manage',
      tag,
      summary: 'Create a rule; it holds for every event stored from then on',
      body: ruleBody,
      responses: { 201: { description: 'The rule.', schema: ruleSchema } },
      handle: async ({ body }) => json(201, ruleResponse(await rules.create(ruleInputOf(body)))),
    }),
    defineRoute({
      method: 'get',
      path: `${path}/{ruleId}`,
      scope: 'read',
      tag,
      summary: 'Get a rule, also a deleted one',
      params,
      responses: found,
      handle: async ({ params }) => json(200, ruleResponse(await rules.get(params.ruleId))),
    }),
    defineRoute({
      method: 'put',
      path: `${path}/{ruleId}`,
      scope: 'manage',
      tag,
      summary: 'Replace a rule; its type stays',
      params,
      body: ruleBody,
      responses: found,
      handle: async ({ params, body }) =>
        json(200, ruleResponse(await rules.replace(params.ruleId, ruleInputOf(body)))),
    }),
    defineRoute({
      method: 'delete',
      path: `${path}/{ruleId}`,
      scope: 'manage',
      tag,
      summary: 'Delete a rule; what it told is still delivered',
      params,
      responses: { 204: { description: 'Deleted.' } },
      handle: async ({ params }) => {
        await rules.remove(params.ruleId);
        return noContent;
      },
    }),
    defineRoute({
      method: 'post',
      path: `${path}/{ruleId}/test`,
      scope: 'manage',
      tag,
      summary: "Send a made-up event over the rule's channels",
      params,
      responses: { 201: { description: 'The event, on its way.', schema: eventSchema } },
      handle: async ({ params }) => json(201, eventResponse(await events.test(params.ruleId))),
    }),
  ];
};
