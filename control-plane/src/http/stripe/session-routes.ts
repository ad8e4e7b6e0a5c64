import { z } from 'zod';
import type { Sessions } from '../../stripe/sessions';
import { defineRoute, json, type Route } from '../route';
import { tag, toTimeText } from './fields';
import { stripeErrorSchema } from './stripe-error';

const sessionSchema = z
  .object({
    id: z.string(),
    object: z.literal('v2.billing.meter_event_session'),
    authentication_token: z.string().describe('For the meter event stream; shown here and never again.'),
    created: z.iso.datetime(),
    expires_at: z.iso.datetime().describe('15 minutes later.'),
    livemode: z.boolean(),
  })
  .meta({ id: 'StripeMeterEventSession' });

/** Sessions of the stream. A retry makes another one: the token of the first is kept as a hash alone. */
export const sessionRoute = (sessions: Sessions): Route =>
  defineRoute({
    method: 'post',
    path: '/v2/billing/meter_event_session',
    scope: 'ingest',
    tag,
    summary: 'Make a session for the meter event stream',
    body: z.strictObject({}).optional(),
    responses: { 200: { description: 'The session.', schema: sessionSchema } },
    errorBody: stripeErrorSchema,
    handle: async ({ identity }) => {
      const { session, token } = await sessions.create(identity.tokenId);
      return json(
        200,
        {
          id: session.id,
          object: 'v2.billing.meter_event_session',
          authentication_token: token,
          created: toTimeText(session.createdAt),
          expires_at: toTimeText(session.expiresAt),
          livemode: true,
        },
        { 'Cache-Control': 'no-store' },
      );
    },
  });
