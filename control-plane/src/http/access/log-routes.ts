import { z } from 'zod';
import type { AccessAdministration, AccessLogEntry } from '../../enforcement';
import { defineRoute, json, type Route } from '../route';
import { limit, time, timeText } from './fields';

const outcomes = ['done', 'already', 'failed', 'would'] as const;

const logEntryResponse = z
  .object({
    id: z.string(),
    at: timeText,
    gatewayId: z.string(),
    gatewayKey: z.string(),
    policyId: z.string(),
    feature: z.string(),
    customerId: z.string(),
    customerKey: z.string().nullable(),
    consumerId: z.string().nullable(),
    consumer: z.string().nullable().describe("The consumer's username."),
    access: z.enum(['in', 'out']),
    outcome: z
      .enum(outcomes)
      .describe('`already`: the gateway said there was nothing to do; `would`: the policy only observes.'),
    reason: z.string().describe('What decided: entitled, not_entitled, reported, hold, allow, released.'),
    cause: z
      .string()
      .describe('What made Tollgate look: usage, reset, grant, hold, policy, drift, sweep, ...'),
    causedAt: timeText,
    durationMs: z.int().describe("From the cause to the gateway's answer."),
    callMs: z.int().describe("The gateway's calls alone."),
    changes: z.array(z.object({ group: z.string(), action: z.enum(['add', 'remove']), answer: z.string() })),
    errorCode: z.string().nullable(),
    error: z.string().nullable(),
  })
  .meta({ id: 'AccessLogEntry' });

const logEntryBody = ({ featureKey, ...entry }: AccessLogEntry): z.input<typeof logEntryResponse> => ({
  ...entry,
  feature: featureKey,
  at: time(entry.at)!,
  causedAt: time(entry.causedAt)!,
  changes: [...entry.changes],
});

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
      customerId: z.string().max(64).optional(),
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
