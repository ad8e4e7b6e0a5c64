import { z } from 'zod';
import { aggregations, type Meter, type MeterCatalog } from '../../metering';
import { defineRoute, json, noContent, type Route } from '../route';
import {
  metadata,
  pageNumber,
  pageSize,
  queryFlag,
  resourceDescription,
  resourceId,
  resourceName,
  searchText,
  time,
  timeText,
  toTimeText,
} from './fields';

const tag = 'Meters';
const groupBy = z.record(z.string(), z.string());

const create = z.object({
  slug: z.string().min(1).max(64),
  name: resourceName.nullish(),
  description: resourceDescription.nullish(),
  aggregation: z.enum(aggregations),
  eventType: z.string().min(1).max(1024),
  eventFrom: time.nullish(),
  valueProperty: z.string().min(1).nullish(),
  groupBy: groupBy.nullish(),
  metadata: metadata.nullish(),
});

const update = z.object({
  name: resourceName.nullish(),
  description: resourceDescription.nullish(),
  groupBy: groupBy.nullish(),
  metadata: metadata.nullish(),
});

const meterResponse = z.object({
  id: resourceId,
  slug: z.string(),
  name: z.string().optional(),
  description: z.string().optional(),
  aggregation: z.enum(aggregations),
  eventType: z.string(),
  eventFrom: timeText.optional(),
  valueProperty: z.string().optional(),
  groupBy: groupBy.optional(),
  metadata: z.record(z.string(), z.string()),
  annotations: z
    .object({
      backfill: z
        .object({
          state: z.enum(['counting', 'settling']),
          progress: z.number(),
          events: z.number().int(),
        })
        .meta({ description: 'Present while events stored earlier are being counted; progress is 0 to 1.' }),
    })
    .optional(),
  createdAt: timeText,
  updatedAt: timeText,
  deletedAt: timeText.optional(),
});

/** A meter as OpenMeter's v1 API shows it. */
const meterBody = (meter: Meter): z.input<typeof meterResponse> => ({
  id: meter.id,
  slug: meter.slug,
  name: meter.name ?? meter.slug,
  ...(meter.description === null ? {} : { description: meter.description }),
  aggregation: meter.aggregation,
  eventType: meter.eventType,
  ...(meter.eventFrom === null ? {} : { eventFrom: toTimeText(meter.eventFrom) }),
  ...(meter.valueProperty === null ? {} : { valueProperty: meter.valueProperty }),
  ...groupByBody(meter.pending?.groupBy ?? meter.groupBy),
  metadata: meter.metadata,
  ...(meter.pending ? { annotations: { backfill: progressOf(meter.pending) } } : {}),
  createdAt: toTimeText(meter.createdAt),
  updatedAt: toTimeText(meter.updatedAt),
  ...(meter.deletedAt === null ? {} : { deletedAt: toTimeText(meter.deletedAt) }),
});

const groupByBody = (groupBy: Record<string, string>) =>
  Object.keys(groupBy).length === 0 ? {} : { groupBy };

const progressOf = ({ state, progress, events }: NonNullable<Meter['pending']>) => ({
  state,
  progress,
  events,
});

const params = z.object({ meterIdOrSlug: z.string().min(1).max(64) });
const path = '/api/v1/meters/{meterIdOrSlug}';

/** OpenMeter's v1 meters: create, read, change, delete, by id or slug. */
export const metersRoutes = (meters: MeterCatalog): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/v1/meters',
    scope: 'read',
    tag,
    summary: 'List meters',
    query: z.object({
      page: pageNumber.default(1),
      pageSize: pageSize.default(1000),
      orderBy: z.enum(['key', 'name', 'aggregation', 'createdAt', 'updatedAt']).default('key'),
      order: z.enum(['ASC', 'DESC']).default('ASC'),
      includeDeleted: queryFlag.default(false),
      search: searchText.optional(),
    }),
    responses: { 200: { description: 'The meters, as a plain array.', schema: z.array(meterResponse) } },
    handle: async ({ query: { page, pageSize: limit, ...list } }) => {
      const found = await meters.list({ ...list, limit, offset: (page - 1) * limit });
      return json(200, found.map(meterBody));
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/v1/meters',
    scope: 'manage',
    tag,
    summary: 'Create a meter',
    body: create,
    responses: {
      201: { description: 'The meter. Events stored before it are counted too.', schema: meterResponse },
      409: { description: 'There is a meter with this slug.' },
    },
    handle: async ({ body }) =>
      json(
        201,
        meterBody(
          await meters.create({
            slug: body.slug,
            name: body.name ?? null,
            description: body.description ?? null,
            aggregation: body.aggregation,
            eventType: body.eventType,
            eventFrom: body.eventFrom ?? null,
            valueProperty: body.valueProperty ?? null,
            groupBy: body.groupBy ?? {},
            metadata: body.metadata ?? {},
          }),
        ),
      ),
  }),
  defineRoute({
    method: 'get',
    path,
    scope: 'read',
    tag,
    summary: 'Get a meter by id or slug',
    params,
    responses: {
      200: { description: 'The meter.', schema: meterResponse },
      404: { description: 'There is none.' },
    },
    handle: async (input) => json(200, meterBody(await meters.get(input.params.meterIdOrSlug))),
  }),
  defineRoute({
    method: 'put',
    path,
    scope: 'manage',
    tag,
    summary: 'Replace name, description, metadata and groupBy of a meter',
    params,
    body: update,
    responses: {
      200: { description: 'The meter as it is now.', schema: meterResponse },
      404: { description: 'There is none.' },
      409: { description: 'A feature filters by a group-by key that would be dropped.' },
    },
    handle: async ({ params: { meterIdOrSlug }, body }) =>
      json(
        200,
        meterBody(
          await meters.update(meterIdOrSlug, {
            name: body.name ?? null,
            description: body.description ?? null,
            groupBy: body.groupBy ?? {},
            metadata: body.metadata ?? {},
          }),
        ),
      ),
  }),
  defineRoute({
    method: 'delete',
    path,
    scope: 'manage',
    tag,
    summary: 'Delete a meter',
    params,
    responses: {
      204: { description: 'It is deleted.' },
      404: { description: 'There is none.' },
      409: { description: 'A feature counts it.' },
    },
    handle: async (input) => {
      await meters.remove(input.params.meterIdOrSlug);
      return noContent;
    },
  }),
];
