import { z } from 'zod';
import { type AccessAdministration, type AccessState, accessStatuses } from '../../enforcement';
import { defineRoute, json, type Route } from '../route';
import { limit, time, timeText } from './fields';

const stateResponse = z
  .object({
    policyId: z.string(),
    feature: z.string(),
    mode: z.enum(['enforce', 'observe']),
    gatewayId: z.string(),
    gatewayKey: z.string(),
    customerId: z.string(),
    customerKey: z.string().nullable(),
    customerName: z.string(),
    wanted: z.enum(['in', 'out', 'unmanaged']).describe('Derived now, from entitlements, reports and holds.'),
    reason: z.string(),
    observed: z
      .enum(['in', 'out', 'partial', 'unknown'])
      .describe('`partial`: in some of the groups, or not on all nodes or with all consumers.'),
    status: z.enum(accessStatuses),
    since: timeText.nullable().describe('Since when it is observed so.'),
    cause: z.string(),
    observedAt: timeText.nullable(),
    errorCode: z.string().nullable(),
    error: z.string().nullable(),
    errorSince: timeText.nullable(),
    consumers: z.array(z.object({ id: z.string(), username: z.string().nullable() })),
  })
  .meta({ id: 'AccessState' });

const stateBody = ({ cursor, featureKey, ...state }: AccessState): z.input<typeof stateResponse> => ({
  ...state,
  feature: featureKey,
  since: time(state.since),
  observedAt: time(state.observedAt),
  errorSince: time(state.errorSince),
  consumers: [...state.consumers],
});

/** The access board: each customer under each policy. */
export const statesRoutes = (access: AccessAdministration): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/v1/access/states',
    scope: 'read',
    tag: 'Access',
    summary: 'Who is in and who is out: wanted, observed, since when and why',
    query: z.object({
      gateway: z.string().max(128).optional().describe("The gateway's id or key."),
      feature: z.string().max(64).optional(),
      customerId: z.string().max(64).optional(),
      status: z.enum(accessStatuses).optional(),
      search: z.string().max(128).optional().describe("Part of the customer's key or name."),
      order: z
        .enum(['customer', 'newest'])
        .default('customer')
        .describe('`newest`: those whose access changed last come first; pages must keep to one order.'),
      cursor: z.string().max(128).optional().describe('`nextCursor` of the page before.'),
      limit,
    }),
    responses: {
      200: {
        description: 'A page of states.',
        schema: z.object({ items: z.array(stateResponse), nextCursor: z.string().nullable() }),
      },
    },
    handle: async ({ query }) => {
      const { feature, order, cursor, limit: size, ...filter } = query;
      const states = await access.readStates({ ...filter, featureKey: feature }, order, cursor, size);
      const next = states.length === size ? states.at(-1)!.cursor : null;
      return json(200, { items: states.map(stateBody), nextCursor: next });
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/access/states/counts',
    scope: 'read',
    tag: 'Access',
    summary: 'How many are in, out, pending and failing',
    query: z.object({
      gateway: z.string().max(128).optional().describe("The gateway's id or key."),
      feature: z.string().max(64).optional(),
      search: z.string().max(128).optional().describe("Part of the customer's key or name."),
    }),
    responses: {
      200: {
        description: 'States by status, one a customer and policy; up to two seconds old.',
        schema: z.object({
          in: z.int(),
          out: z.int(),
          pending: z.int(),
          failing: z.int(),
          customersOut: z.int().describe('Customers that are out under at least one policy.'),
        }),
      },
    },
    handle: async ({ query: { feature, ...filter } }) => {
      const { states, customersOut } = await access.countStates({ ...filter, featureKey: feature });
      return json(200, { ...states, customersOut });
    },
  }),
];
