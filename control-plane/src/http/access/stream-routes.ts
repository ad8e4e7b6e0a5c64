import { z } from 'zod';
import type { Enforcement } from '../../enforcement';
import { openEventStream, refuseStreamsBeyond } from '../event-stream';
import { defineRoute, handled, type Route } from '../route';
import { logEntryBody } from './log-entry';

const maximumStreams = 200;

/** Live views: server-sent events (WHATWG HTML, 9.2), one for each new entry of the access log. */
export const streamRoutes = ({ feed }: Pick<Enforcement, 'feed'>): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/v1/access/stream',
    scope: 'read',
    tag: 'Access',
    summary: 'New entries of the access log as they are written',
    query: z.object({
      after: z
        .string()
        .max(64)
        .optional()
        .describe('Begin after this entry; as the header Last-Event-ID does.'),
    }),
    responses: {
      200: {
        description: 'Events named `log`, whose data is an entry of the log in JSON.',
        contentType: 'text/event-stream',
      },
      503: { description: 'Too many streams are open.' },
    },
    handle: async ({ query, request, response }) => {
      refuseStreamsBeyond(feed.size, maximumStreams);
      const lastId = request.headers['last-event-id'];
      const after =
        query.after ?? (typeof lastId === 'string' && lastId !== '' ? lastId.slice(0, 64) : undefined);
      const stream = openEventStream(response);
      const end = await feed.listen(
        after,
        (entries) => {
          for (const entry of entries) stream.send('log', JSON.stringify(logEntryBody(entry)), entry.id);
        },
        stream.end,
      );
      stream.onEnd(end);
      return handled;
    },
  }),
];
