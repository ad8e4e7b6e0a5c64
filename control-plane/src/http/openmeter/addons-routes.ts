import { z } from 'zod';
import { type Addon, type Addons, addonStatuses, listAddons } from '../../billing';
import type { Clock } from '../../primitives/clock';
import type { Database } from '../../storage';
import { defineRoute, json, noContent, type Route } from '../route';
import { addonAnswer, addonBody, addonCreateBody, addonDetailsOf, addonSchema } from './addon-schemas';
import { plainText, queryFlag, queryList, repeated } from './fields';
import { listingQuery, pageOf, pageSchema, sliceOf } from './listing';

const tag = 'Add-ons';
const params = z.object({ addonId: plainText(1, 64) });
const path = '/api/v1/addons/{addonId}';
const answered = (status: 200 | 201, description: string) => ({
  [status]: { description, schema: addonSchema },
});

const listQuery = z.object({
  ...listingQuery,
  includeDeleted: queryFlag.default(false),
  id: queryList().optional(),
  key: queryList().optional(),
  keyVersion: z
    .record(z.string().max(64), repeated(z.coerce.number().int().min(1), 100))
    .optional()
    .describe('Versions by key: keyVersion[extra]=1.'),
  status: repeated(z.enum(addonStatuses), addonStatuses.length).optional(),
  currency: queryList().optional(),
  orderBy: z.enum(['id', 'key', 'version', 'created_at', 'updated_at']).default('created_at'),
});

export interface AddonRoutesOptions {
  addons: Addons;
  database: Database;
  clock: Clock;
}

/** OpenMeter's add-ons: versioned rate cards that plans offer on top of their own. */
export const addonRoutes = ({ addons, database, clock }: AddonRoutesOptions): Route[] => {
  const answer = async (addon: Addon) => addonAnswer(addon, await addons.problemsOf(addon), clock.now());

  return [
    defineRoute({
      method: 'post',
      path: '/api/v1/addons',
      scope: 'manage',
      tag,
      summary: 'Create an add-on as a draft',
      body: addonCreateBody,
      responses: answered(201, 'The draft; validationErrors lists what keeps it from being published.'),
      handle: async ({ body }) =>
        json(201, await answer(await addons.create(body.key, body.currency, addonDetailsOf(body)))),
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/addons',
      scope: 'read',
      tag,
      summary: 'List add-ons',
      query: listQuery,
      responses: { 200: { description: 'One page.', schema: pageSchema(addonSchema) } },
      handle: async ({ query }) => {
        const { items, totalCount } = await listAddons(
          database,
          {
            ids: query.id,
            keys: query.key,
            keyVersions:
              query.keyVersion &&
              Object.entries(query.keyVersion).flatMap(([key, versions]) =>
                versions.map((version) => `${key}:${version}`),
              ),
            statuses: query.status,
            currencies: query.currency,
            includeDeleted: query.includeDeleted,
            orderBy: query.orderBy,
            isDescending: query.order === 'DESC',
          },
          sliceOf(query),
          clock.now(),
        );
        const answers = [];
        for (const addon of items) answers.push(await answer(addon));
        return json(200, pageOf(query, answers, totalCount));
      },
    }),
    defineRoute({
      method: 'get',
      path,
      scope: 'read',
      tag,
      summary: 'Get an add-on by id, or the newest published version of a key',
      params,
      responses: answered(200, 'The add-on.'),
      handle: async ({ params: { addonId } }) => json(200, await answer(await addons.get(addonId))),
    }),
    defineRoute({
      method: 'put',
      path,
      scope: 'manage',
      tag,
      summary: 'Replace a draft',
      params,
      body: addonBody,
      responses: answered(200, 'The draft.'),
      handle: async ({ params: { addonId }, body }) =>
        json(200, await answer(await addons.replace(addonId, addonDetailsOf(body)))),
    }),
    defineRoute({
      method: 'delete',
      path,
      scope: 'manage',
      tag,
      summary: 'Delete a draft or an archived add-on',
      params,
      responses: { 204: { description: 'It is deleted.' } },
      handle: async ({ params: { addonId } }) => {
        await addons.delete(addonId);
        return noContent;
      },
    }),
    defineRoute({
      method: 'post',
      path: `${path}/publish`,
      scope: 'manage',
      tag,
      summary: 'Put a draft in force; the version in force until now is archived',
      params,
      responses: answered(200, 'The add-on.'),
      handle: async ({ params: { addonId } }) => json(200, await answer(await addons.publish(addonId))),
    }),
    defineRoute({
      method: 'post',
      path: `${path}/archive`,
      scope: 'manage',
      tag,
      summary: 'Take an add-on out of force',
      params,
      responses: answered(200, 'The add-on.'),
      handle: async ({ params: { addonId } }) => json(200, await answer(await addons.archive(addonId))),
    }),
  ];
};
