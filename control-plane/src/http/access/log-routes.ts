import { z } from 'zod';
import type { AccessAdministration } from '../../enforcement';
import { defineRoute, json, type Route } from '../route';
import { limit } from './fields';
import { logEntryBody, logEntryResponse, outcomes } from './log-entry';

const instant = z.iso.datetime({ offset: true });

/** The audit log of access. */
export const logRoutes = (access: AccessAdministration): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/v1/access/log',
    scope: 'read',
    tag: 'Access',
    summary: 'What was changed in gateways and why, the newest first',
    query: z.object({
      customer: z.string().max(256).optional().describe("The customer's id or key."),
      gateway: z.string().max(128).optional().describe("The gateway's id or key."),
      feature: z.string().max(64).optional(),
      cause: z.string().max(64).optional(),
      outcome: z.enum(outcomes).optional(),
      search: z.string().max(128).optional().describe("Part of a consumer's username or a customer's key."),
      from: instant.optional(),
      to: instant.optional(),
      cursor: z.string().max(64).optional().describe('`nextCursor` of the page before.'),
      limit,
    }),
    responses: {
      200: {
        description: 'A page of the log.',
        schema: z.object({ items: z.array(logEntryResponse), nextCursor: z.string().nullable() }),
      },
    },
    handle: async ({ query }) => {
      const { from, to, cursor, feature, ...filter } = query;
      const entries = await access.readLog(
        {
          ...filter,
          featureKey: feature,
          from: from === undefined ? undefined : Date.parse(from),
          to: to === undefined ? undefined : Date.parse(to),
        },
        cursor,
        query.limit,
      );
      const isFull = entries.length === query.limit;
      return json(200, { items: entries.map(logEntryBody), nextCursor: isFull ? entries.at(-1)!.id : null });
    },
  }),
];
