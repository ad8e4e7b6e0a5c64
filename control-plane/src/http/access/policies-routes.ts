import { z } from 'zod';
import type { AccessAdministration, AccessPolicy } from '../../enforcement';
import { defineRoute, json, noContent, type Route } from '../route';
import { time, timeText } from './fields';

const tag = 'Access';
const groups = z.array(z.string().min(1).max(128)).max(32);

const policyInput = z
  .strictObject({
    feature: z.string().min(1).max(64).describe("The feature's key."),
    gateway: z.string().min(1).max(128).describe("The gateway's id or key."),
    leave: groups.default([]).describe('Groups that give access; consumers without access leave them.'),
    join: groups.default([]).describe('Groups that consumers without access are put in.'),
    mode: z
      .enum(['enforce', 'observe'])
      .default('enforce')
      .describe('`observe` changes nothing and says in the log what it would do.'),
  })
  .meta({ id: 'AccessPolicyInput' });

const policyResponse = z
  .object({
    id: z.string(),
    feature: z.string(),
    gateway: z.string().describe("The gateway's id."),
    leave: z.array(z.string()),
    join: z.array(z.string()),
    mode: z.enum(['enforce', 'observe']),
    createdAt: timeText,
    updatedAt: timeText,
  })
  .meta({ id: 'AccessPolicy' });

const policyBody = (policy: AccessPolicy): z.input<typeof policyResponse> => ({
  id: policy.id,
  feature: policy.featureKey,
  gateway: policy.gatewayId,
  leave: [...policy.leave],
  join: [...policy.join],
  mode: policy.mode,
  createdAt: time(policy.createdAt)!,
  updatedAt: time(policy.updatedAt)!,
});

const inputOf = ({ feature, gateway, leave, join, mode }: z.output<typeof policyInput>) => ({
  featureKey: feature,
  gateway,
  leave: [...new Set(leave)],
  join: [...new Set(join)],
  mode,
});

const params = z.object({ id: z.string().min(1).max(64) });
const one = { description: 'The policy.', schema: policyResponse };
const missing = { description: 'There is no such policy or gateway.' };
const taken = { description: 'The feature has a policy on this gateway already.' };

/** Access policies: which groups of which gateway a feature's customers are kept in. */
export const policiesRoutes = (access: AccessAdministration): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/v1/access/policies',
    scope: 'read',
    tag,
    summary: 'List access policies',
    query: z.object({ feature: z.string().max(64).optional(), gateway: z.string().max(128).optional() }),
    responses: {
      200: { description: 'All policies.', schema: z.object({ items: z.array(policyResponse) }) },
    },
    handle: async ({ query: { feature, gateway } }) =>
      json(200, { items: (await access.listPolicies({ featureKey: feature, gateway })).map(policyBody) }),
  }),
  defineRoute({
    method: 'post',
    path: '/api/v1/access/policies',
    scope: 'manage',
    tag,
    summary: 'Tie a feature to access groups',
    body: policyInput,
    responses: { 201: one, 404: missing, 409: taken },
    handle: async ({ body }) => json(201, policyBody(await access.createPolicy(inputOf(body)))),
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/access/policies/{id}',
    scope: 'read',
    tag,
    summary: 'Get an access policy',
    params,
    responses: { 200: one, 404: missing },
    handle: async ({ params: { id } }) => json(200, policyBody(await access.findPolicy(id))),
  }),
  defineRoute({
    method: 'put',
    path: '/api/v1/access/policies/{id}',
    scope: 'manage',
    tag,
    summary: 'Change an access policy; groups it no longer names stay as they are',
    params,
    body: policyInput,
    responses: { 200: one, 404: missing, 409: taken },
    handle: async ({ params: { id }, body }) =>
      json(200, policyBody(await access.updatePolicy(id, inputOf(body)))),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/v1/access/policies/{id}',
    scope: 'manage',
    tag,
    summary: 'Delete an access policy; its groups stay as they are',
    params,
    responses: { 204: { description: 'Done.' }, 404: missing },
    handle: async ({ params: { id } }) => {
      await access.deletePolicy(id);
      return noContent;
    },
  }),
];
