import { z } from 'zod';
import type { Enforcement } from '../../enforcement';
import { Refusal } from '../../primitives/refusal';
import { defineRoute, handled, type Route } from '../route';
import { logEntryBody } from './log-entry';

const maximumStreams = 200;
/** A reader that is so many bytes behind is cut off; it comes back with Last-Event-ID. */
const backlogLimitBytes = 1 << 20;
const heartbeatMs = 15_000;

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
      if (feed.size >= maximumStreams) {
        throw new Refusal('overloaded', 'too_many_streams', 'too many live views are open; try again later', {
          retryAfterSeconds: 5,
        });
      }
      const lastId = request.headers['last-event-id'];
      const after =
        query.after ?? (typeof lastId === 'string' && lastId !== '' ? lastId.slice(0, 64) : undefined);
      response.writeHead(200, {
        'Content-Type': 'text/event-stream',
        'Cache-Control': 'no-store',
        'X-Accel-Buffering': 'no',
      });
      response.write('retry: 1000\n\n');
      const end = await feed.listen(
        after,
        (entries) => {
          for (const entry of entries) {
            response.write(`id: ${entry.id}\nevent: log\ndata: ${JSON.stringify(logEntryBody(entry))}\n\n`);
          }
          if (response.writableLength > backlogLimitBytes) response.destroy();
        },
        () => response.end(),
      );
      const heartbeat = setInterval(() => response.write(': still here\n\n'), heartbeatMs);
      response.on('close', () => {
        clearInterval(heartbeat);
        end();
      });
      // Gone while the past was read.
      if (response.destroyed) {
        clearInterval(heartbeat);
        end();
      }
      return handled;
    },
  }),
];
