import { z } from 'zod';
import { aggregations, type Meter, type MeterCatalog, searchMeters } from '../../metering';
import type { Database } from '../../storage';
import { optionalTimeText, time, timeText, toTimeText } from '../openmeter/fields';
import { defineRoute, json, noContent, type Route } from '../route';
import { description, dimensions, idOrKey, labels, labelsAnswer, name } from './fields';
import { listQuery, pageAnswer, pageSchema, sliceOf } from './listing';

const tag = 'Konnect: meters';

const names = aggregations.map((aggregation) => aggregation.toLowerCase());
/** Lower case by the specification; Konnect's guides write it in upper case. */
const aggregation = z
  .string()
  .refine((text) => names.includes(text.toLowerCase()), `must be one of ${names.join(', ')}`)
  .transform((text) => text.toUpperCase() as Meter['aggregation'])
  .meta({ type: 'string', enum: names });

const createBody = z.strictObject({
  key: z.string().min(1).max(64),
  name,
  description: description.optional(),
  labels: labels.optional(),
  aggregation,
  event_type: z.string().min(1).max(1_024),
  events_from: time.optional(),
  value_property: z.string().min(1).optional(),
  dimensions: dimensions.optional(),
});

const updateBody = z.strictObject({
  name: name.optional(),
  description: description.optional(),
  labels: labels.optional(),
  dimensions: dimensions.optional(),
});

const meterSchema = z
  .object({
    id: z.string(),
    key: z.string(),
    name: z.string(),
    description: z.string().optional(),
    labels: labelsAnswer,
    aggregation: z.enum(names as [string, ...string[]]),
    event_type: z.string(),
    events_from: timeText.optional(),
    value_property: z.string().optional(),
    dimensions: dimensions.optional(),
    created_at: timeText,
    updated_at: timeText,
    deleted_at: timeText.optional(),
  })
  .meta({ id: 'KonnectMeter' });

const answerOf = (meter: Meter): z.input<typeof meterSchema> => {
  const groupBy = meter.pending?.groupBy ?? meter.groupBy;
  return {
    id: meter.id,
    key: meter.slug,
    name: meter.name ?? meter.slug,
    description: meter.description ?? undefined,
    labels: meter.metadata,
    aggregation: meter.aggregation.toLowerCase(),
    event_type: meter.eventType,
    events_from: optionalTimeText(meter.eventFrom),
    value_property: meter.valueProperty ?? undefined,
    dimensions: Object.keys(groupBy).length === 0 ? undefined : groupBy,
    created_at: toTimeText(meter.createdAt),
    updated_at: toTimeText(meter.updatedAt),
    deleted_at: optionalTimeText(meter.deletedAt),
  };
};

const params = z.object({ meterId: idOrKey });
const path = '/meters/{meterId}';
const one = { description: 'The meter.', schema: meterSchema };
const orders = ['key', 'name', 'aggregation', 'created_at', 'updated_at'] as const;
const columns = {
  key: 'key',
  name: 'name',
  aggregation: 'aggregation',
  created_at: 'createdAt',
  updated_at: 'updatedAt',
} as const;

export interface MetersOptions {
  meters: MeterCatalog;
  database: Database;
}

/** Meters in v3's shape. */
export const metersRoutes = ({ meters, database }: MetersOptions): Route[] => [
  defineRoute({
    method: 'post',
    path: '/meters',
    scope: 'manage',
    tag,
    summary: 'Create a meter',
    body: createBody,
    responses: { 201: one },
    handle: async ({ body }) =>
      json(
        201,
        answerOf(
          await meters.create({
            slug: body.key,
            name: body.name,
            description: body.description ?? null,
            aggregation: body.aggregation,
            eventType: body.event_type,
            eventFrom: body.events_from ?? null,
            valueProperty: body.value_property ?? null,
            groupBy: body.dimensions ?? {},
            metadata: body.labels ?? {},
          }),
        ),
      ),
  }),
  defineRoute({
    method: 'get',
    path: '/meters',
    scope: 'read',
    tag,
    summary: 'List meters',
    query: listQuery(['key', 'name'], orders, 'created_at'),
    responses: { 200: { description: 'One page.', schema: pageSchema(meterSchema) } },
    handle: async ({ query: { page, sort, filter } }) => {
      const { items, totalCount } = await searchMeters(database, {
        conditions: filter,
        orderBy: columns[sort.orderBy],
        isDescending: sort.isDescending,
        ...sliceOf(page),
      });
      return json(200, pageAnswer(items.map(answerOf), page, totalCount));
    },
  }),
  defineRoute({
    method: 'get',
    path,
    scope: 'read',
    tag,
    summary: 'Get a meter by id or key',
    params,
    responses: { 200: one },
    handle: async (input) => json(200, answerOf(await meters.get(input.params.meterId))),
  }),
  defineRoute({
    method: 'put',
    path,
    scope: 'manage',
    tag,
    summary: 'Change name, description, labels or dimensions of a meter; what is absent stays',
    params,
    body: updateBody,
    responses: { 200: one },
    handle: async ({ params: { meterId }, body }) => {
      const meter = await meters.get(meterId);
      const change = {
        name: body.name ?? meter.name,
        description: body.description ?? meter.description,
        groupBy: body.dimensions ?? meter.pending?.groupBy ?? meter.groupBy,
        metadata: body.labels ?? meter.metadata,
      };
      return json(200, answerOf(await meters.update(meter.id, change)));
    },
  }),
  defineRoute({
    method: 'delete',
    path,
    scope: 'manage',
    tag,
    summary: 'Delete a meter',
    params,
    responses: { 204: { description: 'It is deleted.' } },
    handle: async (input) => {
      await meters.remove(input.params.meterId);
      return noContent;
    },
  }),
];
