import { z } from 'zod';
import { type Feature, type Features, searchFeatures } from '../../catalog';
import type { MeterCatalog } from '../../metering';
import { invalid, Refusal } from '../../primitives/refusal';
import type { Database } from '../../storage';
import { optionalTimeText, plainText, resourceKey, timeText, toTimeText } from '../openmeter/fields';
import { defineRoute, json, noContent, type Route } from '../route';
import { dimensionFilter, filterAnswer } from './dimension-filter';
import { description, idOrKey, labels, labelsAnswer, name } from './fields';
import { listQuery, pageAnswer, pageSchema, sliceOf } from './listing';

const tag = 'Konnect: features';
const filterLimit = 10;

const numeric = z
  .string()
  .max(72)
  .regex(/^-?[0-9]+(\.[0-9]+)?$/, 'must be a decimal number as text');

const unitCost = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('manual'), amount: numeric }),
  z.strictObject({
    type: z.literal('llm'),
    provider_property: plainText(1, 256).optional(),
    provider: plainText(1, 256).optional(),
    model_property: plainText(1, 256).optional(),
    model: plainText(1, 256).optional(),
    token_type_property: plainText(1, 256).optional(),
    token_type: z
      .enum(['input', 'output', 'cache_read', 'cache_write', 'reasoning', 'request', 'response'])
      .optional(),
  }),
]);

/** By id as the specification has it, or by key as Konnect's guide does. */
const meterReference = z
  .strictObject({
    id: plainText(1, 64).optional(),
    key: plainText(1, 64).optional(),
    filters: z
      .record(z.string().min(1).max(64), dimensionFilter)
      .refine((filters) => Object.keys(filters).length <= filterLimit, {
        message: `must have at most ${filterLimit} dimensions`,
      })
      .optional(),
  })
  .refine(({ id, key }) => (id === undefined) !== (key === undefined), {
    path: ['id'],
    message: 'give the id of the meter',
  });

const createBody = z.strictObject({
  key: resourceKey,
  name,
  description: description.optional(),
  labels: labels.optional(),
  meter: meterReference.optional(),
  unit_cost: unitCost.optional(),
});

const featureSchema = z
  .object({
    id: z.string(),
    key: z.string(),
    name: z.string(),
    description: z.string().optional(),
    labels: labelsAnswer,
    meter: z
      .object({ id: z.string(), filters: z.record(z.string(), z.record(z.string(), z.unknown())).optional() })
      .optional(),
    unit_cost: z.record(z.string(), z.unknown()).optional(),
    created_at: timeText,
    updated_at: timeText,
    deleted_at: timeText.optional(),
  })
  .meta({ id: 'KonnectFeature' });

/** Unit costs are kept as v1 writes them; only their field names differ. */
const toCamel = (cost: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(cost).map(([key, value]) => [
      key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
const toSnake = (cost: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(cost).map(([key, value]) => [
      key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );

const answerOf = (feature: Feature): z.input<typeof featureSchema> => {
  const filters = Object.entries(feature.filters);
  return {
    id: feature.id,
    key: feature.key,
    name: feature.name,
    description: feature.description ?? undefined,
    labels: feature.metadata,
    meter:
      feature.meterId === null
        ? undefined
        : {
            id: feature.meterId,
            filters:
              filters.length === 0
                ? undefined
                : Object.fromEntries(filters.map(([key, filter]) => [key, filterAnswer(filter)])),
          },
    unit_cost: feature.unitCost ? toSnake(feature.unitCost) : undefined,
    created_at: toTimeText(feature.createdAt),
    updated_at: toTimeText(feature.updatedAt),
    deleted_at: optionalTimeText(feature.archivedAt),
  };
};

const params = z.object({ featureId: idOrKey });
const path = '/features/{featureId}';
const one = { description: 'The feature.', schema: featureSchema };
const columns = { key: 'key', name: 'name', created_at: 'createdAt', updated_at: 'updatedAt' } as const;

export interface FeaturesOptions {
  features: Features;
  meters: MeterCatalog;
  database: Database;
}

/** Features in v3's shape. */
export const featuresRoutes = ({ features, meters, database }: FeaturesOptions): Route[] => {
  const meterIdOf = async (reference: { id?: string | undefined; key?: string | undefined }) => {
    try {
      return (await meters.get(reference.id ?? reference.key!)).id;
    } catch (error) {
      if (!(error instanceof Refusal) || error.kind !== 'not_found') throw error;
      throw invalid('invalid_feature', error.message, [
        { code: 'meter_not_found', field: '$.meter.id', message: error.message },
      ]);
    }
  };

  return [
    defineRoute({
      method: 'post',
      path: '/features',
      scope: 'manage',
      tag,
      summary: 'Create a feature',
      body: createBody,
      responses: { 201: one },
      handle: async ({ body }) => {
        const feature = await features.create({
          key: body.key,
          name: body.name,
          description: body.description,
          meterId: body.meter && (await meterIdOf(body.meter)),
          filters: body.meter?.filters ?? {},
          unitCost: body.unit_cost ? toCamel(body.unit_cost) : null,
          metadata: body.labels ?? {},
        });
        return json(201, answerOf(feature));
      },
    }),
    defineRoute({
      method: 'get',
      path: '/features',
      scope: 'read',
      tag,
      summary: 'List features',
      query: listQuery(
        ['key', 'name', 'meter_id'],
        ['key', 'name', 'created_at', 'updated_at'],
        'created_at',
      ),
      responses: { 200: { description: 'One page.', schema: pageSchema(featureSchema) } },
      handle: async ({ query: { page, sort, filter } }) => {
        const { items, totalCount } = await searchFeatures(database, {
          conditions: { key: filter.key, name: filter.name, meterId: filter.meter_id },
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
      summary: 'Get a feature by id or key',
      params,
      responses: { 200: one },
      handle: async (input) => json(200, answerOf(await features.get(input.params.featureId))),
    }),
    defineRoute({
      method: 'patch',
      path,
      scope: 'manage',
      tag,
      summary: "Change a feature's unit cost",
      params,
      body: z.strictObject({ unit_cost: unitCost.nullish() }),
      responses: { 200: one },
      handle: async ({ params: { featureId }, body }) => {
        if (body.unit_cost === undefined) return json(200, answerOf(await features.get(featureId)));
        const cost = body.unit_cost === null ? null : toCamel(body.unit_cost);
        return json(200, answerOf(await features.price(featureId, cost)));
      },
    }),
    defineRoute({
      method: 'delete',
      path,
      scope: 'manage',
      tag,
      summary: 'Archive a feature; entitlements to it go on',
      params,
      responses: { 204: { description: 'It is archived.' } },
      handle: async (input) => {
        await features.archive(input.params.featureId);
        return noContent;
      },
    }),
  ];
};
