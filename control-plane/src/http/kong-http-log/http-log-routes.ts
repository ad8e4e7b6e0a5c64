import { z } from 'zod';
import type { FastRoute } from '../route';
import { createHttpLogHandler, type HttpLogOptions } from './http-log-handler';
import { meteringParameters } from './metering-parameters';

const entry = z.looseObject({ request: z.looseObject({ id: z.string().optional() }).optional() });

const answer = z.object({
  accepted: z.number().int().describe('Events that are new, and counted.'),
  duplicates: z.number().int().describe('Events that were known already.'),
  unmetered: z
    .record(z.string(), z.number().int())
    .describe('Entries that make no event, by reason: not_from_upstream, status_not_counted, no_subject ...'),
  rejected: z
    .array(z.object({ code: z.string(), field: z.string(), message: z.string() }))
    .describe('Entries that could not be read; the others were counted.'),
});

/** Where Kong's bundled http-log plugin reports to, for gateways that want no JavaScript in the path. */
export const httpLogRoutes = (options: HttpLogOptions): FastRoute[] => [
  {
    method: 'post',
    path: '/ingest/kong-http-log',
    scope: 'ingest',
    tag: 'Events',
    summary: "Store and count the requests that Kong's http-log plugin reports",
    query: meteringParameters,
    body: z.union([entry, z.array(entry)]),
    responses: {
      200: { description: 'Stored and counted.', schema: answer },
      400: { description: 'Nothing of the body, or a query parameter, could be read.' },
    },
    handleFast: createHttpLogHandler(options),
  },
];
