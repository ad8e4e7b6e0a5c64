import { z } from 'zod';
import type { CancellationOutcome, CancellationRequest } from '../../pipeline';
import type { Clock } from '../../primitives/clock';
import { meterEventSource, nameLimit } from '../../stripe/meter-event';
import { defineRoute, type Route } from '../route';
import { expand, tag, text, toTimeText } from './fields';
import type { Idempotently } from './idempotently';
import { stripeErrorSchema, stripeRefusal } from './stripe-error';

/** An event can be canceled for this long after its receipt (Stripe's API reference, meter event adjustment). */
const cancelableMs = 86_400_000;

const cancel = z.strictObject({ identifier: text(nameLimit) });
const common = {
  livemode: z.boolean(),
  event_name: z.string(),
  type: z.literal('cancel'),
  status: z.enum(['pending', 'complete']),
  cancel: z.object({ identifier: z.string() }),
};
const v1Schema = z
  .object({ object: z.literal('billing.meter_event_adjustment'), ...common })
  .meta({ id: 'StripeMeterEventAdjustment' });
const v2Schema = z
  .object({
    id: z.string(),
    object: z.literal('v2.billing.meter_event_adjustment'),
    created: z.iso.datetime(),
    ...common,
  })
  .meta({ id: 'StripeV2MeterEventAdjustment' });

export interface AdjustmentsOptions {
  cancelEvent: (request: CancellationRequest) => Promise<CancellationOutcome>;
  clock: Clock;
  idempotently: Idempotently;
}

/**
 * Cancels a meter event within 24 hours of its receipt: it counts for nothing any more when this is answered. Canceling it
 * again changes nothing and answers the same.
 */
export const adjustmentRoutes = ({ cancelEvent, clock, idempotently }: AdjustmentsOptions): Route[] => {
  const adjust = async (eventName: string, identifier: string, param: string) => {
    const outcome = await cancelEvent({
      id: identifier,
      source: meterEventSource,
      type: eventName,
      receivedFrom: clock.now() - cancelableMs,
    });
    if (typeof outcome === 'string') throw refusalOf(outcome, eventName, identifier, param);
    return {
      outcome,
      body: {
        livemode: true,
        event_name: eventName,
        type: 'cancel' as const,
        status: 'complete' as const,
        cancel: { identifier },
      },
    };
  };
  return [
    defineRoute({
      method: 'post',
      path: '/v1/billing/meter_event_adjustments',
      scope: 'manage',
      tag,
      summary: 'Cancel a meter event within 24 hours of its receipt',
      body: z.strictObject({
        event_name: text(nameLimit),
        type: z.literal('cancel'),
        cancel,
        expand,
      }),
      bodyTypes: ['application/x-www-form-urlencoded'],
      responses: { 200: { description: 'Canceled.', schema: v1Schema } },
      errorBody: stripeErrorSchema,
      handle: (input) =>
        idempotently(input, async () => {
          const { event_name, cancel: of } = input.body;
          const { body } = await adjust(event_name, of.identifier, 'cancel[identifier]');
          return { object: 'billing.meter_event_adjustment', ...body };
        }),
    }),
    defineRoute({
      method: 'post',
      path: '/v2/billing/meter_event_adjustments',
      scope: 'manage',
      tag,
      summary: 'Cancel a meter event within 24 hours of its receipt',
      body: z.strictObject({ event_name: text(nameLimit), type: z.literal('cancel'), cancel }),
      responses: { 200: { description: 'Canceled.', schema: v2Schema } },
      errorBody: stripeErrorSchema,
      handle: (input) =>
        idempotently(input, async () => {
          const { event_name, cancel: of } = input.body;
          const { body, outcome } = await adjust(event_name, of.identifier, 'cancel.identifier');
          return {
            id: `mtr_event_adj_${outcome.event.seq}`,
            object: 'v2.billing.meter_event_adjustment',
            created: toTimeText(outcome.canceledAt),
            ...body,
          };
        }),
    }),
  ];
};

const refusalOf = (
  outcome: 'unknown' | 'too_late' | 'events_lost',
  eventName: string,
  identifier: string,
  param: string,
) => {
  if (outcome === 'unknown')
    return stripeRefusal(
      'invalid',
      `No meter event with the identifier "${identifier}" and the event name "${eventName}" was received in the past 24 hours.`,
      { code: 'resource_missing', param },
    );
  if (outcome === 'too_late')
    return stripeRefusal('invalid', 'A meter event can be canceled within 24 hours of its receipt.', {
      code: 'out_of_window',
      param,
    });
  return stripeRefusal(
    'invalid',
    'This meter event can no longer be canceled: retention has dropped events of the same minute, without which a minimum, maximum or last value cannot be found again.',
    { code: 'invalid_cancel_configuration', param },
  );
};
