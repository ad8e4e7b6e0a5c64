import type { Registry } from 'prom-client';
import { defineRoute, handled, type Route } from './route';

/** Prometheus' text format. It tells of customers' traffic, so it asks for a token as every route with data does. */
export const metricsRoute = (registry: Registry): Route =>
  defineRoute({
    method: 'get',
    path: '/metrics',
    scope: 'read',
    tag: 'Operations',
    summary: 'Metrics in the text format of Prometheus',
    responses: { 200: { description: 'The metrics.', contentType: 'text/plain' } },
    handle: async ({ response }) => {
      const text = await registry.metrics();
      response.setHeader('Content-Type', registry.contentType);
      response.end(text);
      return handled;
    },
  });
