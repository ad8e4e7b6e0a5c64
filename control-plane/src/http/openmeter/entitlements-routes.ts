import { z } from 'zod';
import {
  type Entitlement,
  type EntitlementFilter,
  type Entitlements,
  findEntitlementById,
  listEntitlements,
  type ValueReader,
  viewEntitlements,
} from '../../entitlements';
import type { Clock } from '../../primitives/clock';
import { notFound } from '../../primitives/refusal';
import type { Database } from '../../storage';
import { defineRoute, json, noContent, type Route } from '../route';
import {
  type ApiVersion,
  entitlementAnswer,
  entitlementSchema,
  valueAnswer,
  valueSchema,
} from './entitlement-answers';
import { entitlementBodyV1, entitlementBodyV2, resetBody, valueQuery } from './entitlement-bodies';
import { entitlementParams, type HolderPath, holderParams, requireEntitlement } from './entitlement-holders';
import { plainText, queryFlag, queryList } from './fields';
import { arraySliceOf, listingQuery, pageOf, pageSchema, sliceOf } from './listing';

export interface EntitlementRoutesOptions {
  entitlements: Entitlements;
  values: ValueReader;
  database: Database;
  clock: Clock;
}

const one = { description: 'The entitlement.', schema: entitlementSchema };
const orderBy = z.enum(['createdAt', 'updatedAt']).default('createdAt');
/** More entitlements of one subject than a plain array should hold. */
const arrayLimit = 1_000;

/** The routes of one holder's entitlements: v1 under a subject, v2 under a customer. */
export const entitlementRoutes = (path: HolderPath, options: EntitlementRoutesOptions): Route[] => {
  const { entitlements, values, database, clock } = options;
  const { version, base, tag } = path;
  const body = version === 'v1' ? entitlementBodyV1 : entitlementBodyV2;
  const answerOf = answering(options, version);
  const found = async (params: { holder: string; entitlement: string }): Promise<Entitlement> =>
    requireEntitlement(database, await path.customer(params.holder), params.entitlement, clock.now());

  return [
    defineRoute({
      method: 'post',
      path: base,
      scope: 'manage',
      tag,
      summary: 'Create an entitlement',
      params: z.object(holderParams),
      body,
      responses: {
        201: one,
        409: { description: 'There is one for this feature; extensions.conflictingEntityId names it.' },
      },
      handle: async ({ params, body: input }) => {
        const { customer, subjectKey } = await path.customerToEntitle(params.holder);
        return json(201, await answerOf(await entitlements.create(customer.id, { ...input, subjectKey })));
      },
    }),
    listOfHolder(path, options),
    defineRoute({
      method: 'get',
      path: `${base}/{entitlement}`,
      scope: 'read',
      tag,
      summary: 'Get an entitlement by id or feature key',
      params: entitlementParams,
      responses: { 200: one },
      handle: async ({ params }) => json(200, await answerOf(await found(params))),
    }),
    defineRoute({
      method: 'delete',
      path: `${base}/{entitlement}`,
      scope: 'manage',
      tag,
      summary: 'End an entitlement now',
      params: entitlementParams,
      responses: { 204: { description: 'It has ended.' } },
      handle: async ({ params }) => {
        await entitlements.delete((await found(params)).id);
        return noContent;
      },
    }),
    defineRoute({
      method: 'put',
      path: `${base}/{entitlement}/override`,
      scope: 'manage',
      tag,
      summary: 'End an entitlement and put a new one in its place',
      params: entitlementParams,
      body,
      responses: {
        201: { description: 'The new entitlement, with an id of its own.', schema: entitlementSchema },
      },
      handle: async ({ params, body: input }) =>
        json(201, await answerOf(await entitlements.override((await found(params)).id, input))),
    }),
    defineRoute({
      method: 'post',
      path: `${base}/{entitlement}/reset`,
      scope: 'manage',
      tag,
      summary: 'Begin the usage period anew',
      params: entitlementParams,
      body: resetBody,
      responses: { 204: { description: 'Usage is zero, grants have rolled over.' } },
      handle: async ({ params, body: reset }) => {
        await entitlements.reset((await found(params)).id, reset);
        return noContent;
      },
    }),
    defineRoute({
      method: 'get',
      path: `${base}/{entitlement}/value`,
      scope: 'read',
      tag,
      summary: 'What an entitlement is worth, now or at a time',
      params: entitlementParams,
      query: valueQuery,
      responses: { 200: { description: 'The value.', schema: valueSchema } },
      handle: async ({ params, query }) => {
        const value =
          query.time === undefined
            ? await values.now(await path.holder(params.holder), params.entitlement)
            : await values.at(await found(params), query.time);
        if (!value) throw notFound('entitlement', params.entitlement);
        return json(200, valueAnswer(value, version));
      },
    }),
  ];
};

const answering =
  ({ database, clock }: EntitlementRoutesOptions, version: ApiVersion) =>
  async (entitlement: Entitlement) => {
    const [view] = await viewEntitlements(database, [entitlement], clock.now());
    return entitlementAnswer(view!, version);
  };

const listOfHolder = (path: HolderPath, { database, clock }: EntitlementRoutesOptions): Route => {
  const isArray = path.version === 'v1';
  return defineRoute({
    method: 'get',
    path: path.base,
    scope: 'read',
    tag: path.tag,
    summary: 'List entitlements',
    params: z.object(holderParams),
    query: z.object({ ...listingQuery, includeDeleted: queryFlag.default(false), orderBy }),
    responses: {
      200: {
        description: isArray ? 'All of them.' : 'One page.',
        schema: isArray ? z.array(entitlementSchema) : pageSchema(entitlementSchema),
      },
    },
    handle: async ({ params, query }) => {
      const customer = await path.customer(params.holder);
      const { items, totalCount } = await listEntitlements(
        database,
        {
          customerIds: [customer.id],
          includeDeleted: query.includeDeleted,
          activeEndAfter: query.includeDeleted ? undefined : clock.now(),
          orderBy: query.orderBy,
          isDescending: query.order === 'DESC',
        },
        isArray ? { limit: arrayLimit, offset: 0 } : sliceOf(query),
      );
      const views = await viewEntitlements(database, items, clock.now());
      const answers = views.map((view) => entitlementAnswer(view, path.version));
      return json(200, isArray ? answers : pageOf(query, answers, totalCount));
    },
  });
};

const types = queryList(3).pipe(z.array(z.enum(['metered', 'static', 'boolean'])));
const globalQuery = {
  ...listingQuery,
  feature: queryList().optional(),
  entitlementType: types.optional(),
  excludeInactive: queryFlag.default(false),
  orderBy,
};

/** The routes over all entitlements, whoever holds them. */
export const allEntitlementsRoutes = (version: ApiVersion, options: EntitlementRoutesOptions): Route[] => {
  const { database, clock } = options;
  const byId = z.object({ entitlementId: plainText(1, 64) });
  const query =
    version === 'v1'
      ? z.object({ ...globalQuery, subject: queryList().optional() })
      : z.object({
          ...globalQuery,
          customerKeys: queryList().optional(),
          customerIds: queryList().optional(),
        });
  const page = pageSchema(entitlementSchema);
  return [
    defineRoute({
      method: 'get',
      path: `/api/${version}/entitlements`,
      scope: 'read',
      tag: 'Entitlements',
      summary: 'List the entitlements of everybody',
      query,
      responses: {
        200: {
          description: version === 'v1' ? 'An array, or one page when `page` is given.' : 'One page.',
          schema: version === 'v1' ? z.union([z.array(entitlementSchema), page]) : page,
        },
      },
      handle: async ({ query: asked }) => {
        const isArray = version === 'v1' && asked.page === undefined;
        const now = clock.now();
        const { items, totalCount } = await listEntitlements(
          database,
          filterOf(asked, now),
          version === 'v1' ? arraySliceOf(asked) : sliceOf(asked),
        );
        const views = await viewEntitlements(database, items, now);
        const answers = views.map((view) => entitlementAnswer(view, version));
        return json(200, isArray ? answers : pageOf(asked, answers, totalCount));
      },
    }),
    defineRoute({
      method: 'get',
      path: `/api/${version}/entitlements/{entitlementId}`,
      scope: 'read',
      tag: 'Entitlements',
      summary: 'Get any entitlement by id, ended ones too',
      params: byId,
      responses: { 200: one },
      handle: async ({ params }) => {
        const entitlement = await findEntitlementById(database, params.entitlementId);
        if (!entitlement) throw notFound('entitlement', params.entitlementId);
        return json(200, await answering(options, version)(entitlement));
      },
    }),
  ];
};

interface GlobalQuery {
  feature?: string[] | undefined;
  subject?: string[] | undefined;
  customerKeys?: string[] | undefined;
  customerIds?: string[] | undefined;
  entitlementType?: string[] | undefined;
  excludeInactive: boolean;
  orderBy: 'createdAt' | 'updatedAt';
  order: 'ASC' | 'DESC';
}

const filterOf = (query: GlobalQuery, now: number): EntitlementFilter => ({
  features: query.feature,
  subjects: query.subject,
  customerKeys: query.customerKeys,
  customerIds: query.customerIds,
  types: query.entitlementType,
  includeDeleted: !query.excludeInactive,
  activeAt: query.excludeInactive ? now : undefined,
  orderBy: query.orderBy,
  isDescending: query.order === 'DESC',
});

/** v1 of a customer's value: no entitlement is an answer, not an error. */
export const customerValueRoute = (
  { values, database, clock }: EntitlementRoutesOptions,
  path: HolderPath,
): Route =>
  defineRoute({
    method: 'get',
    path: '/api/v1/customers/{holder}/entitlements/{featureKey}/value',
    scope: 'read',
    tag: 'Customers',
    summary: 'What a customer may use of a feature',
    params: z.object({ ...holderParams, featureKey: plainText(1, 256) }),
    query: valueQuery,
    responses: { 200: { description: 'The value; without an entitlement, no access.', schema: valueSchema } },
    handle: async ({ params, query }) => {
      const customer = await path.customer(params.holder);
      const { featureKey } = params;
      if (query.time === undefined) {
        const value = await values.now({ customer: customer.id }, featureKey);
        return json(200, value ? valueAnswer(value) : { hasAccess: false });
      }
      const entitlement = await requireEntitlement(database, customer, featureKey, clock.now()).catch(
        () => undefined,
      );
      return json(
        200,
        entitlement ? valueAnswer(await values.at(entitlement, query.time)) : { hasAccess: false },
      );
    },
  });
