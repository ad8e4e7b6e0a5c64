import { z } from 'zod';
import type { Channel, Notifications } from '../../notifications';
import type { Identity } from '../authenticate';
import { defineRoute, json, noContent, type Route } from '../route';
import { pageNumber, pageSize, queryFlag } from './fields';
import {
  channelBody,
  channelInputOf,
  channelResponse,
  channelSchema,
  idParameter,
  pageOf,
} from './notification-schemas';

const tag = 'Notifications';
const path = '/api/v1/notification/channels';

/** OpenMeter's notification channels: where webhooks go. */
export const notificationChannelRoutes = ({ channels }: Pick<Notifications, 'channels'>): Route[] => {
  const params = idParameter('channelId');
  const show = (channel: Channel, identity: Identity, signingSecret = false) =>
    channelResponse(channel, { signingSecret, headerValues: identity.scopes.includes('manage') });
  const found = { 200: { description: 'The channel.', schema: channelSchema } };

  return [
    defineRoute({
      method: 'get',
      path,
      scope: 'read',
      tag,
      summary: 'List notification channels',
      query: z.object({
        includeDeleted: queryFlag.default(false),
        includeDisabled: queryFlag.default(false),
        page: pageNumber.default(1),
        pageSize: pageSize.default(100),
        order: z.enum(['ASC', 'DESC']).default('ASC'),
        orderBy: z.enum(['id', 'type', 'createdAt', 'updatedAt']).default('id'),
      }),
      responses: { 200: { description: 'A page of channels.', schema: pageOf(channelSchema) } },
      handle: async ({ query, identity }) => {
        const { items, totalCount } = await channels.list(query);
        const { page, pageSize } = query;
        return json(200, { items: items.map((item) => show(item, identity)), page, pageSize, totalCount });
      },
    }),
    defineRoute({
      method: 'post',
      path,
      scope: 'manage',
      tag,
      summary: 'Create a channel; its signing secret is shown here and never again',
      body: channelBody,
      responses: { 201: { description: 'The channel.', schema: channelSchema } },
      handle: async ({ body, identity }) =>
        json(201, show(await channels.create(channelInputOf(body, undefined)), identity, true)),
    }),
    defineRoute({
      method: 'get',
      path: `${path}/{channelId}`,
      scope: 'read',
      tag,
      summary: 'Get a channel, also a deleted one',
      params,
      responses: found,
      handle: async ({ params, identity }) => json(200, show(await channels.get(params.channelId), identity)),
    }),
    defineRoute({
      method: 'put',
      path: `${path}/{channelId}`,
      scope: 'manage',
      tag,
      summary: 'Replace a channel',
      params,
      body: channelBody,
      responses: found,
      handle: async ({ params, body, identity }) => {
        const present = await channels.get(params.channelId);
        const channel = await channels.replace(params.channelId, channelInputOf(body, present));
        return json(200, show(channel, identity, body.signingSecret !== undefined));
      },
    }),
    defineRoute({
      method: 'delete',
      path: `${path}/{channelId}`,
      scope: 'manage',
      tag,
      summary: 'Delete a channel that no rule uses',
      params,
      responses: { 204: { description: 'Deleted.' } },
      handle: async ({ params }) => {
        await channels.remove(params.channelId);
        return noContent;
      },
    }),
  ];
};
