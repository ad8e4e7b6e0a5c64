import { z } from 'zod';
import type { Notifications } from '../../notifications';
import { defineRoute, json, type Route } from '../route';
import { pageNumber, pageSize, repeated, time } from './fields';
import {
  deliveryState,
  eventResponse,
  eventSchema,
  idParameter,
  pageOf,
  resendBody,
  ulidParameter,
} from './notification-schemas';

const tag = 'Notifications';
const path = '/api/v1/notification/events';

/** OpenMeter's notification events: what was told, and how sending it goes. */
export const notificationEventRoutes = ({ events }: Pick<Notifications, 'events'>): Route[] => {
  const params = idParameter('eventId');

  return [
    defineRoute({
      method: 'get',
      path,
      scope: 'read',
      tag,
      summary: 'List notification events',
      query: z.object({
        from: time.optional(),
        to: time.optional(),
        feature: repeated(z.string().min(1).max(64)).optional(),
        subject: repeated(z.string().min(1).max(256)).optional(),
        rule: repeated(ulidParameter).optional(),
        channel: repeated(ulidParameter).optional(),
        state: repeated(deliveryState, 5)
          .optional()
          .describe('Only events with a delivery in one of these states; ours.'),
        page: pageNumber.default(1),
        pageSize: pageSize.default(100),
        order: z.enum(['ASC', 'DESC']).default('ASC'),
        orderBy: z.enum(['id', 'createdAt']).default('createdAt'),
      }),
      responses: { 200: { description: 'A page of events.', schema: pageOf(eventSchema) } },
      handle: async ({ query }) => {
        const { feature, subject, rule, channel, state, page, pageSize } = query;
        const { items, totalCount } = await events.list({
          ...query,
          from: query.from,
          to: query.to,
          features: feature,
          subjects: subject,
          rules: rule,
          channels: channel,
          states: state,
        });
        return json(200, { items: items.map(eventResponse), page, pageSize, totalCount });
      },
    }),
    defineRoute({
      method: 'get',
      path: `${path}/{eventId}`,
      scope: 'read',
      tag,
      summary: 'Get a notification event with its deliveries and every attempt',
      params,
      responses: { 200: { description: 'The event.', schema: eventSchema } },
      handle: async ({ params }) => json(200, eventResponse(await events.get(params.eventId))),
    }),
    defineRoute({
      method: 'post',
      path: `${path}/{eventId}/resend`,
      scope: 'manage',
      tag,
      summary: 'Send an event again, over all its channels or some, under the same webhook-id',
      params,
      body: resendBody,
      responses: { 202: { description: 'On its way.' } },
      handle: async ({ params, body }) => {
        await events.resend(params.eventId, body?.channels);
        return { status: 202 };
      },
    }),
  ];
};
