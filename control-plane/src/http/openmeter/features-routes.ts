import { z } from 'zod';
import { type Feature, type Features, listFeatures, metersOfFeatures } from '../../catalog';
import type { TextFilter } from '../../metering';
import type { Database, Queryable } from '../../storage';
import { defineRoute, json, noContent, type Route } from '../route';
import {
  metadata,
  optionalTimeText,
  plainText,
  queryFlag,
  queryList,
  resourceKey,
  searchText,
  timeText,
  toTimeText,
} from './fields';
import { arraySliceOf, listingQuery, pageOf, pageSchema } from './listing';

const text = z.string().max(1_024);

/** OpenMeter's FilterString. */
const textFilter: z.ZodType<TextFilter> = z.lazy(() =>
  z
    .strictObject({
      $eq: text.optional(),
      $ne: text.optional(),
      $in: z.array(text).max(100).optional(),
      $nin: z.array(text).max(100).optional(),
      $like: text.optional(),
      $nlike: text.optional(),
      $ilike: text.optional(),
      $nilike: text.optional(),
      $gt: text.optional(),
      $gte: text.optional(),
      $lt: text.optional(),
      $lte: text.optional(),
      $and: z.array(textFilter).max(20).optional(),
      $or: z.array(textFilter).max(20).optional(),
    })
    .transform((filter) => JSON.parse(JSON.stringify(filter)) as TextFilter),
);

const groupKey = z.string().min(1).max(64);
const simpleFilters = z.record(groupKey, text);

const createBody = z
  .object({
    key: resourceKey,
    name: plainText(1, 256),
    metadata: metadata.optional(),
    meterSlug: resourceKey.optional(),
    meterGroupByFilters: simpleFilters.optional().describe('Deprecated: use advancedMeterGroupByFilters.'),
    advancedMeterGroupByFilters: z.record(groupKey, textFilter).optional(),
    unitCost: z.looseObject({ type: z.enum(['manual', 'llm']) }).optional(),
  })
  .refine((body) => !(body.meterGroupByFilters && body.advancedMeterGroupByFilters), {
    path: ['advancedMeterGroupByFilters'],
    message: 'give either meterGroupByFilters or advancedMeterGroupByFilters',
  });

const featureSchema = z.object({
  id: z.string(),
  key: z.string(),
  name: z.string(),
  metadata: z.record(z.string(), z.string()),
  meterSlug: z.string().optional(),
  meterGroupByFilters: z.record(z.string(), z.string()).optional(),
  advancedMeterGroupByFilters: z.record(z.string(), z.unknown()).optional(),
  unitCost: z.record(z.string(), z.unknown()).optional(),
  createdAt: timeText,
  updatedAt: timeText,
  archivedAt: timeText.optional(),
});

/** Filters that only ask for equality, in the deprecated form that older clients read. */
const simpleFormOf = (filters: Feature['filters']): Record<string, string> | undefined => {
  const entries = Object.entries(filters);
  const isSimple = entries.every(
    ([, { $eq, ...rest }]) => $eq !== undefined && Object.keys(rest).length === 0,
  );
  return isSimple && entries.length > 0
    ? Object.fromEntries(entries.map(([key, filter]) => [key, filter.$eq!]))
    : undefined;
};

const answersOf = async (queryable: Queryable, features: readonly Feature[]) => {
  const ids = [...new Set(features.flatMap(({ meterId }) => (meterId === null ? [] : [meterId])))];
  const meters = ids.length > 0 ? await metersOfFeatures(queryable, { ids }) : [];
  const slugs = new Map(meters.map((meter) => [meter.id, meter.slug]));
  return features.map((feature) => ({
    id: feature.id,
    key: feature.key,
    name: feature.name,
    metadata: feature.metadata,
    meterSlug: feature.meterId === null ? undefined : slugs.get(feature.meterId),
    meterGroupByFilters: simpleFormOf(feature.filters),
    advancedMeterGroupByFilters: Object.keys(feature.filters).length > 0 ? feature.filters : undefined,
    unitCost: feature.unitCost ?? undefined,
    createdAt: toTimeText(feature.createdAt),
    updatedAt: toTimeText(feature.updatedAt),
    archivedAt: optionalTimeText(feature.archivedAt),
  }));
};

const featureId = z.object({ featureId: plainText(1, 256) });

/** OpenMeter's features: what customers are entitled to. */
export const featureRoutes = (features: Features, database: Database): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/v1/features',
    scope: 'manage',
    tag: 'Features',
    summary: 'Create a feature',
    body: createBody,
    responses: { 201: { description: 'The feature.', schema: featureSchema } },
    handle: async ({ body }) => {
      const simple = Object.entries(body.meterGroupByFilters ?? {}).map(([key, value]) => [
        key,
        { $eq: value },
      ]);
      const feature = await features.create({
        key: body.key,
        name: body.name,
        meterSlug: body.meterSlug,
        filters: body.advancedMeterGroupByFilters ?? Object.fromEntries(simple),
        unitCost: body.unitCost ?? null,
        metadata: body.metadata ?? {},
      });
      return json(201, (await answersOf(database, [feature]))[0]);
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/features',
    scope: 'read',
    tag: 'Features',
    summary: 'List features',
    query: z.object({
      ...listingQuery,
      meterSlug: queryList().optional(),
      includeArchived: queryFlag.default(false),
      search: searchText.optional(),
      orderBy: z.enum(['id', 'key', 'name', 'createdAt', 'updatedAt']).default('createdAt'),
    }),
    responses: {
      200: {
        description: 'All of them as an array, or one page when `page` is given.',
        schema: z.union([z.array(featureSchema), pageSchema(featureSchema)]),
      },
    },
    handle: async ({ query }) => {
      const meters = query.meterSlug && (await metersOfFeatures(database, { slugs: query.meterSlug }));
      const { items, totalCount } = await listFeatures(
        database,
        {
          meterIds: meters?.map((meter) => meter.id),
          includeArchived: query.includeArchived,
          search: query.search,
          orderBy: query.orderBy,
          isDescending: query.order === 'DESC',
        },
        arraySliceOf(query),
      );
      const answers = await answersOf(database, items);
      return json(200, query.page === undefined ? answers : pageOf(query, answers, totalCount));
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/features/{featureId}',
    scope: 'read',
    tag: 'Features',
    summary: 'Get a feature by id or key',
    params: featureId,
    responses: { 200: { description: 'The feature.', schema: featureSchema } },
    handle: async ({ params }) =>
      json(200, (await answersOf(database, [await features.get(params.featureId)]))[0]),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/v1/features/{featureId}',
    scope: 'manage',
    tag: 'Features',
    summary: 'Archive a feature',
    params: featureId,
    responses: { 204: { description: 'It is archived; entitlements to it go on.' } },
    handle: async ({ params }) => {
      await features.archive(params.featureId);
      return noContent;
    },
  }),
];
