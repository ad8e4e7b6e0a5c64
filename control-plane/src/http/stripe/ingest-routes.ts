import { z } from 'zod';
import { nameLimit } from '../../stripe/meter-event';
import type { FastRoute } from '../route';
import { expand, integer, tag, text } from './fields';
import { createMeterEventHandlers, type MeterEventOptions } from './meter-event-handlers';
import { createMeterEventStream, type MeterEventStreamOptions, streamLimit } from './meter-event-stream';
import { stripeErrorSchema } from './stripe-error';

const payload = z.record(z.string(), z.string());
const v1Body = z
  .strictObject({
    event_name: text(nameLimit),
    payload,
    identifier: text(nameLimit).optional(),
    timestamp: integer.optional().describe('Unix seconds.'),
    expand,
  })
  .meta({ id: 'StripeNewMeterEvent' });
const v2Body = z
  .strictObject({
    event_name: text(nameLimit),
    payload,
    identifier: text(nameLimit).optional(),
    timestamp: z.iso.datetime({ offset: true }).optional(),
  })
  .meta({ id: 'StripeV2NewMeterEvent' });
const common = { event_name: z.string(), identifier: z.string(), livemode: z.boolean(), payload };

/** The hot routes of Stripe's API, taken in front of Express. */
export const stripeIngestRoutes = (options: MeterEventOptions & MeterEventStreamOptions): FastRoute[] => {
  const handlers = createMeterEventHandlers(options);
  const base = { method: 'post', scope: 'ingest', tag, errorBody: stripeErrorSchema } as const;
  return [
    {
      ...base,
      path: '/v1/billing/meter_events',
      summary: 'Store and count one meter event',
      body: v1Body,
      bodyTypes: ['application/x-www-form-urlencoded'],
      responses: {
        200: {
          description: 'Stored and counted.',
          schema: z
            .object({
              object: z.literal('billing.meter_event'),
              created: z.number().int(),
              timestamp: z.number().int(),
              ...common,
            })
            .meta({ id: 'StripeMeterEvent' }),
        },
      },
      handleFast: handlers.v1,
    },
    {
      ...base,
      path: '/v2/billing/meter_events',
      summary: 'Store and count one meter event',
      body: v2Body,
      responses: {
        200: {
          description: 'Stored and counted.',
          schema: z
            .object({
              object: z.literal('v2.billing.meter_event'),
              created: z.iso.datetime(),
              timestamp: z.iso.datetime(),
              ...common,
            })
            .meta({ id: 'StripeV2MeterEvent' }),
        },
      },
      handleFast: handlers.v2,
    },
    {
      ...base,
      scope: 'session',
      path: '/v2/billing/meter_event_stream',
      summary: 'Store and count up to 100 meter events, with the token of a meter event session',
      body: z.strictObject({ events: z.array(v2Body).min(1).max(streamLimit) }),
      responses: {
        200: { description: 'Stored; what cannot be counted is reported.', schema: z.strictObject({}) },
      },
      handleFast: createMeterEventStream(options),
    },
  ];
};
