import { z } from 'zod';
import { notFound } from '../../primitives/refusal';
import type { Database } from '../../storage';
import { findStripeEvent, listStripeEvents } from '../../stripe/error-report-store';
import { defineRoute, json, type Route } from '../route';
import { limit, tag } from './fields';
import { stripeErrorSchema } from './stripe-error';

const eventSchema = z
  .object({
    id: z.string(),
    object: z.literal('v2.core.event'),
    type: z.enum(['v1.billing.meter.error_report_triggered', 'v1.billing.meter.no_meter_found']),
    livemode: z.boolean(),
    created: z.iso.datetime(),
    related_object: z
      .object({ id: z.string(), type: z.literal('billing.meter'), url: z.string() })
      .optional()
      .describe('The meter, where there is one.'),
    data: z.object({
      developer_message_summary: z.string(),
      validation_start: z.iso.datetime(),
      validation_end: z.iso.datetime(),
      reason: z.object({
        error_count: z.number().int(),
        error_types: z.array(
          z.object({
            code: z.string(),
            error_count: z.number().int(),
            sample_errors: z.array(
              z.object({ error_message: z.string(), request: z.object({ identifier: z.string() }) }),
            ),
          }),
        ),
      }),
    }),
  })
  .meta({ id: 'StripeEvent' });

const path = '/v2/core/events';

/** The reports of meter events that could not be counted, kept for 30 days. */
export const coreEventRoutes = (database: Database): Route[] => [
  defineRoute({
    method: 'get',
    path,
    scope: 'read',
    tag,
    summary: 'List reports of meter events that could not be counted, the newest first',
    query: z.object({
      object_id: z.string().max(64).optional().describe('Only those of this meter.'),
      limit,
      page: z.string().max(64).optional().describe('From next_page_url.'),
    }),
    responses: {
      200: {
        description: 'A page of reports.',
        schema: z.object({
          data: z.array(eventSchema),
          next_page_url: z.string().nullable(),
          previous_page_url: z.string().nullable(),
        }),
      },
    },
    errorBody: stripeErrorSchema,
    handle: async ({ query }) => {
      const found = await listStripeEvents(database, {
        meterId: query.object_id,
        before: query.page,
        limit: query.limit + 1,
      });
      const events = found.slice(0, query.limit);
      const next = new URLSearchParams({
        ...(query.object_id === undefined ? {} : { object_id: query.object_id }),
        limit: String(query.limit),
        page: events.at(-1)?.id ?? '',
      });
      return json(200, {
        data: events.map(({ body }) => body),
        next_page_url: found.length > events.length ? `${path}?${next}` : null,
        previous_page_url: null,
      });
    },
  }),
  defineRoute({
    method: 'get',
    path: `${path}/{id}`,
    scope: 'read',
    tag,
    summary: 'Retrieve a report of meter events that could not be counted',
    params: z.object({ id: z.string().max(64) }),
    responses: { 200: { description: 'The report.', schema: eventSchema } },
    errorBody: stripeErrorSchema,
    handle: async ({ params }) => {
      const event = await findStripeEvent(database, params.id);
      if (!event) throw notFound('event', params.id);
      return json(200, event.body);
    },
  }),
];
