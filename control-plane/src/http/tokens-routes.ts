import { z } from 'zod';
import { invalid } from '../primitives/refusal';
import { toTimeText } from '../primitives/time-text';
import { type ApiToken, scopes } from '../tokens/api-token';
import type { TokenRegistry } from '../tokens/token-registry';
import { defineRoute, json, noContent, type Route } from './route';

const tag = 'Tokens';

const tokenSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(z.enum(scopes)),
    createdBy: z.string().describe('Id of the token with which it was made.'),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
    lastUsedAt: z.iso.datetime().nullable().describe('Up to a minute behind.'),
  })
  .meta({ id: 'ApiToken' });

const newTokenSchema = z
  .strictObject({
    name: z.string().trim().min(1).max(256).describe('For people: what the token is for.'),
    scopes: z.array(z.enum(scopes)).min(1).max(scopes.length),
    expiresAt: z.iso.datetime({ offset: true }).optional(),
  })
  .meta({ id: 'NewApiToken' });

const text = (instant: number | null): string | null => (instant === null ? null : toTimeText(instant));

const represent = (token: ApiToken) => ({
  id: token.id,
  name: token.name,
  scopes: token.scopes,
  createdBy: token.createdBy,
  createdAt: text(token.createdAt),
  expiresAt: text(token.expiresAt),
  lastUsedAt: text(token.lastUsedAt),
});

/** Tokens of the HTTP API: made (and shown once), listed, revoked. */
export const tokenRoutes = (tokens: TokenRegistry, now: () => number): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/v1/tokens',
    scope: 'manage',
    tag,
    summary: 'Make a token; the answer is the only place where it is ever shown',
    body: newTokenSchema,
    responses: {
      201: {
        description: 'The token.',
        schema: tokenSchema.extend({ token: z.string() }).meta({ id: 'CreatedApiToken' }),
      },
    },
    handle: async ({ body, identity }) => {
      const expiresAt = body.expiresAt === undefined ? null : Date.parse(body.expiresAt);
      if (expiresAt !== null && expiresAt <= now()) {
        throw invalid('validation_failed', 'expiresAt is in the past', [
          { code: 'past', field: '$.expiresAt', message: 'must be in the future' },
        ]);
      }
      const made = await tokens.create({
        name: body.name,
        scopes: body.scopes,
        expiresAt,
        createdBy: identity.tokenId,
      });
      return json(201, { ...represent(made.token), token: made.text }, { 'Cache-Control': 'no-store' });
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/tokens',
    scope: 'manage',
    tag,
    summary: 'List the tokens in force, oldest first',
    query: z.object({
      after: z.string().max(64).default('').describe('Id of the last token of the page before.'),
      limit: z.coerce.number().int().min(1).max(1_000).default(100),
    }),
    responses: {
      200: { description: 'A page of tokens.', schema: z.object({ items: z.array(tokenSchema) }) },
    },
    handle: async ({ query }) => json(200, { items: (await tokens.list(query)).map(represent) }),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/v1/tokens/{id}',
    scope: 'manage',
    tag,
    summary: 'Revoke a token: refused here at once, on other replicas within two seconds',
    params: z.object({ id: z.string().max(64) }),
    responses: { 204: { description: 'Revoked.' } },
    handle: async ({ params }) => {
      await tokens.revoke(params.id);
      return noContent;
    },
  }),
];
