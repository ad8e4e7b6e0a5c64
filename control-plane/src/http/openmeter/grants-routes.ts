import { z } from 'zod';
import { type Entitlements, type GrantFilter, listGrants } from '../../entitlements';
import type { Clock } from '../../primitives/clock';
import type { Database } from '../../storage';
import { defineRoute, json, noContent, type Route } from '../route';
import { type ApiVersion, grantAnswer, grantSchema } from './entitlement-answers';
import { grantBodyV1, grantBodyV2 } from './entitlement-bodies';
import { entitlementParams, type HolderPath, requireEntitlement } from './entitlement-holders';
import { plainText, queryFlag, queryList, time } from './fields';
import { arraySliceOf, listingQuery, pageOf, pageSchema, sliceOf } from './listing';

export interface GrantRoutesOptions {
  entitlements: Entitlements;
  database: Database;
  clock: Clock;
}

const orderBy = z.enum(['id', 'createdAt', 'updatedAt']).default('updatedAt');
const arrayLimit = 1_000;

/** The grants of one entitlement: v1 under a subject, v2 under a customer. */
export const grantRoutes = (path: HolderPath, options: GrantRoutesOptions): Route[] => {
  const { entitlements, database, clock } = options;
  const { version, base, tag } = path;
  const isArray = version === 'v1';
  const found = async (params: { holder: string; entitlement: string }) =>
    requireEntitlement(database, await path.customer(params.holder), params.entitlement, clock.now());
  return [
    defineRoute({
      method: 'post',
      path: `${base}/{entitlement}/grants`,
      scope: 'manage',
      tag,
      summary: 'Grant usage on top of an entitlement',
      params: entitlementParams,
      body: isArray ? grantBodyV1 : grantBodyV2,
      responses: { 201: { description: 'The grant.', schema: grantSchema } },
      handle: async ({ params, body }) => {
        const grant = await entitlements.grant((await found(params)).id, body);
        return json(201, grantAnswer(grant, version, clock.now()));
      },
    }),
    defineRoute({
      method: 'get',
      path: `${base}/{entitlement}/grants`,
      scope: 'read',
      tag,
      summary: 'List the grants of an entitlement',
      params: entitlementParams,
      query: z.object({ ...listingQuery, includeDeleted: queryFlag.default(false), orderBy }),
      responses: {
        200: {
          description: isArray ? 'All of them.' : 'One page.',
          schema: isArray ? z.array(grantSchema) : pageSchema(grantSchema),
        },
      },
      handle: async ({ params, query }) => {
        const { items, totalCount } = await listGrants(
          database,
          {
            entitlementIds: [(await found(params)).id],
            includeDeleted: query.includeDeleted,
            orderBy: query.orderBy,
            isDescending: query.order === 'DESC',
          },
          isArray ? { limit: arrayLimit, offset: 0 } : sliceOf(query),
        );
        const answers = items.map((grant) => grantAnswer(grant, version, clock.now()));
        return json(200, isArray ? answers : pageOf(query, answers, totalCount));
      },
    }),
  ];
};

/** The routes over all grants, whatever they belong to. */
export const allGrantsRoutes = (options: GrantRoutesOptions): Route[] => [
  allGrantsRoute('v1', options),
  allGrantsRoute('v2', options),
  defineRoute({
    method: 'delete',
    path: '/api/v1/grants/{grantId}',
    scope: 'manage',
    tag: 'Grants',
    summary: 'Void a grant: what it covered stays covered, the rest is taken back',
    params: z.object({ grantId: plainText(1, 64) }),
    query: z.object({ at: time.optional() }),
    responses: { 204: { description: 'It is void.' } },
    handle: async ({ params, query }) => {
      await options.entitlements.voidGrant(params.grantId, query.at);
      return noContent;
    },
  }),
];

const allGrantsRoute = (version: ApiVersion, { database, clock }: GrantRoutesOptions): Route => {
  const shared = {
    ...listingQuery,
    feature: queryList().optional(),
    includeDeleted: queryFlag.default(false),
    orderBy,
  };
  const page = pageSchema(grantSchema);
  return defineRoute({
    method: 'get',
    path: `/api/${version}/grants`,
    scope: 'read',
    tag: 'Grants',
    summary: 'List the grants of everybody',
    query:
      version === 'v1'
        ? z.object({ ...shared, subject: queryList().optional() })
        : z.object({ ...shared, customer: queryList().optional() }),
    responses: {
      200: {
        description: version === 'v1' ? 'An array, or one page when `page` is given.' : 'One page.',
        schema: version === 'v1' ? z.union([z.array(grantSchema), page]) : page,
      },
    },
    handle: async ({ query }) => {
      const asked: typeof query & { subject?: string[] | undefined; customer?: string[] | undefined } = query;
      const filter: GrantFilter = {
        features: asked.feature,
        subjects: asked.subject,
        customers: asked.customer,
        includeDeleted: asked.includeDeleted,
        orderBy: asked.orderBy,
        isDescending: asked.order === 'DESC',
      };
      const isArray = version === 'v1' && asked.page === undefined;
      const { items, totalCount } = await listGrants(
        database,
        filter,
        version === 'v1' ? arraySliceOf(asked) : sliceOf(asked),
      );
      const answers = items.map((grant) => grantAnswer(grant, version, clock.now()));
      return json(200, isArray ? answers : pageOf(asked, answers, totalCount));
    },
  });
};
