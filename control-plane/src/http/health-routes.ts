import { z } from 'zod';
import { Refusal } from '../primitives/refusal';
import { defineRoute, json, type Route } from './route';

/**
 * `/healthz`: the process answers. `/readyz`: it can do its work, so a load balancer may send requests.
 * @param isReady rejects or resolves false when the database cannot be reached
 */
export const healthRoutes = (isReady: () => Promise<boolean>): Route[] => [
  defineRoute({
    method: 'get',
    path: '/healthz',
    scope: 'public',
    tag: 'Operations',
    summary: 'Whether the process is alive',
    responses: { 200: { description: 'It is.', schema: z.object({ status: z.literal('ok') }) } },
    handle: async () => json(200, { status: 'ok' }),
  }),
  defineRoute({
    method: 'get',
    path: '/readyz',
    scope: 'public',
    tag: 'Operations',
    summary: 'Whether the process can serve requests',
    responses: {
      200: { description: 'It can.', schema: z.object({ status: z.literal('ready') }) },
      503: { description: 'The database cannot be reached, or the process is stopping.' },
    },
    handle: async () => {
      const ready = await isReady().catch(() => false);
      if (!ready)
        throw new Refusal(
          'unavailable',
          'not_ready',
          'the database cannot be reached or the process is stopping',
          { retryAfterSeconds: 1 },
        );
      return json(200, { status: 'ready' });
    },
  }),
];
