import { z } from 'zod';
import { formulas, type StripeMeter } from '../../stripe/stripe-meter';
import type { StripeMeters } from '../../stripe/stripe-meters';
import { defineRoute, json, type Route } from '../route';
import { expand, limit, listOf, tag, text, toSeconds } from './fields';
import type { Idempotently } from './idempotently';
import { stripeErrorSchema, stripeRefusal } from './stripe-error';

const path = '/v1/billing/meters';
const payloadKey = z.strictObject({ event_payload_key: text(100) });
const window = z.enum(['hour', 'day']);

const meterSchema = z
  .object({
    id: z.string(),
    object: z.literal('billing.meter'),
    created: z.number().int().describe('Unix seconds.'),
    updated: z.number().int(),
    display_name: z.string(),
    event_name: z.string(),
    event_time_window: window.nullable(),
    livemode: z.boolean(),
    status: z.enum(['active', 'inactive']),
    status_transitions: z.object({ deactivated_at: z.number().int().nullable() }),
    customer_mapping: z.object({ type: z.literal('by_id'), event_payload_key: z.string() }),
    default_aggregation: z.object({ formula: z.enum(formulas) }),
    value_settings: z.object({ event_payload_key: z.string() }),
  })
  .meta({ id: 'StripeMeter' });

const newMeter = z
  .strictObject({
    display_name: text(250),
    event_name: text(100),
    default_aggregation: z.strictObject({ formula: z.enum(formulas) }),
    customer_mapping: z
      .strictObject({ type: z.literal('by_id'), event_payload_key: text(100) })
      .default({ type: 'by_id', event_payload_key: 'stripe_customer_id' }),
    value_settings: payloadKey.default({ event_payload_key: 'value' }),
    event_time_window: window.optional(),
    expand,
  })
  .meta({ id: 'StripeNewMeter' });

export const representMeter = (stripe: StripeMeter): z.output<typeof meterSchema> => {
  const { meter } = stripe;
  const deactivatedAt = meter.deactivatedAt;
  return {
    id: meter.id,
    object: 'billing.meter',
    created: toSeconds(meter.createdAt),
    updated: toSeconds(meter.updatedAt),
    display_name: meter.name ?? meter.slug,
    event_name: meter.eventType,
    event_time_window: stripe.eventTimeWindow,
    livemode: true,
    status: deactivatedAt === null ? 'active' : 'inactive',
    status_transitions: { deactivated_at: deactivatedAt === null ? null : toSeconds(deactivatedAt) },
    customer_mapping: { type: 'by_id', event_payload_key: stripe.customerKey },
    default_aggregation: { formula: stripe.formula },
    value_settings: { event_payload_key: stripe.valueKey },
  };
};

const meterAnswer = { 200: { description: 'The meter.', schema: meterSchema } };
const idParameter = z.object({ id: z.string().max(64) });
const form = { bodyTypes: ['application/x-www-form-urlencoded'], errorBody: stripeErrorSchema, tag };
const nothing = z.strictObject({ expand });

/** Stripe's billing meters: OpenMeter's meters in another shape. */
export const meterRoutes = (meters: StripeMeters, idempotently: Idempotently): Route[] => [
  defineRoute({
    method: 'post',
    path,
    scope: 'manage',
    summary: 'Create a billing meter',
    body: newMeter,
    responses: meterAnswer,
    ...form,
    handle: (input) =>
      idempotently(input, async () => {
        const { body } = input;
        return representMeter(
          await meters.create({
            displayName: body.display_name,
            eventName: body.event_name,
            formula: body.default_aggregation.formula,
            customerKey: body.customer_mapping.event_payload_key,
            valueKey: body.value_settings.event_payload_key,
            eventTimeWindow: body.event_time_window ?? null,
          }),
        );
      }),
  }),
  defineRoute({
    method: 'get',
    path,
    scope: 'read',
    summary: 'List billing meters, the newest first',
    query: z.object({
      status: z.enum(['active', 'inactive']).optional(),
      limit,
      starting_after: z.string().max(64).optional(),
      ending_before: z.string().max(64).optional(),
      expand,
    }),
    responses: { 200: { description: 'A page of meters.', schema: listOf(meterSchema) } },
    ...form,
    handle: async ({ query }) => {
      const place = async (id: string | undefined, param: string) =>
        id === undefined ? undefined : placeOf(meters, id, param);
      const startingAfter = await place(query.starting_after, 'starting_after');
      const endingBefore = await place(query.ending_before, 'ending_before');
      const found = await meters.list(query.status, { limit: query.limit, startingAfter, endingBefore });
      const page = found.slice(0, query.limit);
      return json(200, {
        object: 'list',
        url: path,
        has_more: found.length > page.length,
        data: (endingBefore && !startingAfter ? page.reverse() : page).map(representMeter),
      });
    },
  }),
  defineRoute({
    method: 'get',
    path: `${path}/{id}`,
    scope: 'read',
    summary: 'Retrieve a billing meter',
    params: idParameter,
    query: z.object({ expand }),
    responses: meterAnswer,
    ...form,
    handle: async ({ params }) => json(200, representMeter(await meters.get(params.id))),
  }),
  defineRoute({
    method: 'post',
    path: `${path}/{id}`,
    scope: 'manage',
    summary: "Change a billing meter's display name",
    params: idParameter,
    body: z.strictObject({ display_name: text(250).optional(), expand }),
    responses: meterAnswer,
    ...form,
    handle: (input) =>
      idempotently(input, async () =>
        representMeter(await meters.rename(input.params.id, input.body.display_name)),
      ),
  }),
  ...(['deactivate', 'reactivate'] as const).map((action) =>
    defineRoute({
      method: 'post',
      path: `${path}/{id}/${action}`,
      scope: 'manage',
      summary:
        action === 'deactivate'
          ? 'Have a meter count no more; its events are refused until it is reactivated'
          : 'Have a deactivated meter count again, from the next event on',
      params: idParameter,
      body: nothing,
      responses: meterAnswer,
      ...form,
      handle: (input) =>
        idempotently(input, async () => representMeter(await meters[action](input.params.id))),
    }),
  ),
];

const placeOf = async (meters: StripeMeters, id: string, param: string): Promise<StripeMeter> => {
  const found = await meters.find(id);
  if (!found) throw stripeRefusal('invalid', `No such meter: '${id}'`, { code: 'resource_missing', param });
  return found;
};
