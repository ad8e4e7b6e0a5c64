import { z } from 'zod';
import type { AccessAdministration, AccessHold } from '../../enforcement';
import { defineRoute, json, type Route } from '../route';
import { limit, time, timeText } from './fields';

const tag = 'Access';

const holdInput = z
  .strictObject({
    customer: z.string().min(1).max(256).describe("The customer's id or key."),
    feature: z.string().min(1).max(64).nullish().describe("The feature's key; every feature without it."),
    kind: z
      .enum(['hold', 'allow'])
      .describe('`hold` keeps the customer out, `allow` in, whatever its entitlement says.'),
    reason: z.string().trim().min(1).max(1_024),
    endsAt: z.iso.datetime({ offset: true }).nullish().describe('When it ends by itself.'),
  })
  .meta({ id: 'AccessHoldInput' });

const holdResponse = z
  .object({
    id: z.string(),
    customerId: z.string(),
    feature: z.string().nullable(),
    kind: z.enum(['hold', 'allow']),
    reason: z.string(),
    endsAt: timeText.nullable(),
    endedAt: timeText.nullable(),
    createdBy: z.string().describe('Id of the token with which it was made.'),
    createdAt: timeText,
  })
  .meta({ id: 'AccessHold' });

const holdBody = (hold: AccessHold): z.input<typeof holdResponse> => ({
  id: hold.id,
  customerId: hold.customerId,
  feature: hold.featureKey,
  kind: hold.kind,
  reason: hold.reason,
  endsAt: time(hold.endsAt),
  endedAt: time(hold.endedAt),
  createdBy: hold.createdBy,
  createdAt: time(hold.createdAt)!,
});

/** Manual decisions about a customer's access, with a reason and, if wanted, an end. */
export const holdsRoutes = (access: AccessAdministration): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/v1/access/holds',
    scope: 'read',
    tag,
    summary: 'List holds, the newest first',
    query: z.object({
      customerId: z.string().max(64).optional(),
      includeEnded: z.stringbool().default(false),
      cursor: z.string().max(64).optional().describe('`nextCursor` of the page before.'),
      limit,
    }),
    responses: {
      200: {
        description: 'A page of holds.',
        schema: z.object({ items: z.array(holdResponse), nextCursor: z.string().nullable() }),
      },
    },
    handle: async ({ query }) => {
      const { customerId, includeEnded } = query;
      const holds = await access.listHolds({ customerId, includeEnded }, query.cursor, query.limit);
      const isFull = holds.length === query.limit;
      return json(200, { items: holds.map(holdBody), nextCursor: isFull ? holds.at(-1)!.id : null });
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/v1/access/holds',
    scope: 'manage',
    tag,
    summary: 'Keep a customer out, or in; replaces the hold in force for the same feature',
    body: holdInput,
    responses: {
      201: { description: 'The hold.', schema: holdResponse },
      404: { description: 'There is no such customer.' },
    },
    handle: async ({ body, identity }) => {
      const hold = await access.createHold({
        customer: body.customer,
        featureKey: body.feature ?? null,
        kind: body.kind,
        reason: body.reason,
        endsAt: body.endsAt ? Date.parse(body.endsAt) : null,
        createdBy: identity.tokenId,
      });
      return json(201, holdBody(hold));
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/api/v1/access/holds/{id}',
    scope: 'manage',
    tag,
    summary: 'End a hold; the entitlement decides again',
    params: z.object({ id: z.string().min(1).max(64) }),
    responses: {
      200: { description: 'The hold that ended.', schema: holdResponse },
      404: { description: 'There is no such hold in force.' },
    },
    handle: async ({ params: { id } }) => json(200, holdBody(await access.endHold(id))),
  }),
];
