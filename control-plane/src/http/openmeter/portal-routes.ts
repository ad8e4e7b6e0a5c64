import { z } from 'zod';
import { type MeterCatalog, queryMeter } from '../../metering';
import type { PortalToken } from '../../portal/portal-token-store';
import type { PortalTokens } from '../../portal/portal-tokens';
import type { Clock } from '../../primitives/clock';
import { invalid, Refusal } from '../../primitives/refusal';
import type { Database } from '../../storage';
import { defineRoute, handled, json, noContent, type Route } from '../route';
import { plainText, time, timeText, toTimeText } from './fields';
import { sendMeterQuery } from './meter-query-answer';
import { meterQueryParameters, toMeterQuery } from './meter-query-parameters';
import { meterQueryResult } from './meter-query-routes';

const tag = 'Portal';

const tokenSchema = z.object({
  id: z.string(),
  subject: z.string(),
  expiresAt: timeText,
  expired: z.boolean(),
  createdAt: timeText,
  token: z.string().optional().describe('Only in the answer that made it.'),
  allowedMeterSlugs: z.array(z.string()).optional(),
});

const answerOf = (record: PortalToken, now: number, token?: string) => ({
  id: record.id,
  subject: record.subject,
  expiresAt: toTimeText(record.expiresAt),
  expired: record.expiresAt <= now,
  createdAt: toTimeText(record.createdAt),
  token,
  allowedMeterSlugs: record.meterSlugs ?? undefined,
});

export interface PortalRoutesOptions {
  tokens: PortalTokens;
  meters: MeterCatalog;
  database: Database;
  clock: Clock;
}

/** OpenMeter's portal: a customer's browser reads the usage of its own subject, and nothing else. */
export const portalRoutes = ({ tokens, meters, database, clock }: PortalRoutesOptions): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/v1/portal/tokens',
    scope: 'manage',
    tag,
    summary: "Make a token that reads one subject's usage",
    body: z.object({
      subject: plainText(1, 1_024),
      expiresAt: time.optional(),
      allowedMeterSlugs: z.array(plainText(1, 64)).max(100).optional(),
    }),
    responses: { 200: { description: 'The token.', schema: tokenSchema } },
    handle: async ({ body }) => {
      const now = clock.now();
      if (body.expiresAt !== undefined && body.expiresAt <= now) {
        const message = 'must lie in the future';
        throw invalid('invalid_portal_token', `$.expiresAt: ${message}`, [
          { code: 'in_past', field: '$.expiresAt', message },
        ]);
      }
      const made = await tokens.create(body.subject, body.allowedMeterSlugs ?? null, body.expiresAt);
      return json(200, answerOf(made, now, made.token));
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/portal/tokens',
    scope: 'read',
    tag,
    summary: 'List the newest tokens that are not invalidated',
    query: z.object({ limit: z.coerce.number().int().min(1).max(100).default(25) }),
    responses: { 200: { description: 'Without their text.', schema: z.array(tokenSchema) } },
    handle: async ({ query }) =>
      json(
        200,
        (await tokens.list(query.limit)).map((record) => answerOf(record, clock.now())),
      ),
  }),
  defineRoute({
    method: 'post',
    path: '/api/v1/portal/tokens/invalidate',
    scope: 'manage',
    tag,
    summary: 'Invalidate a token by id, or all of a subject',
    body: z
      .object({ id: plainText(1, 64).optional(), subject: plainText(1, 1_024).optional() })
      .refine(({ id, subject }) => id !== undefined || subject !== undefined, 'give id or subject'),
    responses: { 204: { description: 'They are refused from now on.' } },
    handle: async ({ body }) => {
      await tokens.invalidate(body);
      return noContent;
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/portal/meters/{meterSlug}/query',
    scope: 'portal',
    tag,
    summary: "Query a meter for the portal token's subject",
    params: z.object({ meterSlug: plainText(1, 64) }),
    query: meterQueryParameters,
    responses: { 200: { description: 'The usage, as of the meter query.', schema: meterQueryResult } },
    handle: async ({ params: { meterSlug }, query, identity, request, response }) => {
      const { subject, meterSlugs } = identity.portal!;
      const compiled = await meters.compiled(meterSlug);
      if (meterSlugs && !meterSlugs.includes(compiled.meter.slug)) {
        const message = `this portal token does not read the meter "${compiled.meter.slug}"`;
        throw new Refusal('forbidden', 'meter_not_allowed', message);
      }
      const own = { ...query, subject: [subject], filterCustomerId: undefined };
      const question = await toMeterQuery(database, compiled, own);
      const rows = await queryMeter(database, compiled, question);
      sendMeterQuery(response, request.headers.accept, compiled.meter.slug, question, rows);
      return handled;
    },
  }),
];
