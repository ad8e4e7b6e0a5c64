import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { listGroupValues, listMeterSubjects, type MeterCatalog, queryMeter } from '../../metering';
import type { Clock } from '../../primitives/clock';
import { DAY_MS } from '../../primitives/durations';
import type { Database } from '../../storage';
import { defineRoute, handled, json, type Route } from '../route';
import { time, timeText } from './fields';
import { sendMeterQuery } from './meter-query-answer';
import {
  keysOf,
  type MeterQueryInput,
  meterQueryBody,
  meterQueryParameters,
  toMeterQuery,
} from './meter-query-parameters';

const tag = 'Meters';
const params = z.object({ meterIdOrSlug: z.string().min(1).max(64) });
const path = '/api/v1/meters/{meterIdOrSlug}';
const span = z.object({ from: time.optional(), to: time.optional() });

/** OpenMeter's MeterQueryResult. */
export const meterQueryResult = z.object({
  from: timeText.optional(),
  to: timeText.optional(),
  windowSize: z.enum(['MINUTE', 'HOUR', 'DAY', 'MONTH']).optional(),
  data: z.array(
    z.object({
      value: z.number(),
      windowStart: timeText,
      windowEnd: timeText,
      subject: z.string().nullable(),
      customerId: z.string().optional(),
      groupBy: z.record(z.string(), z.string().nullable()),
    }),
  ),
});

const responses = {
  200: {
    description: 'The usage; only windows with events. CSV where Accept is text/csv.',
    schema: meterQueryResult,
    otherTypes: ['text/csv'],
  },
  400: { description: 'A parameter is not valid.' },
  404: { description: 'There is no such meter or customer.' },
};

export interface MeterQueryRoutesOptions {
  database: Database;
  meters: MeterCatalog;
  clock: Clock;
}

/** OpenMeter's v1 queries of a meter's usage, subjects and group-by values. */
export const meterQueryRoutes = ({ database, meters, clock }: MeterQueryRoutesOptions): Route[] => {
  const answer = async (
    idOrSlug: string,
    input: MeterQueryInput,
    { request, response }: { request: IncomingMessage; response: ServerResponse },
  ): Promise<typeof handled> => {
    const compiled = await meters.compiled(idOrSlug, keysOf(input));
    const query = await toMeterQuery(database, compiled, input);
    const rows = await queryMeter(database, compiled, query);
    sendMeterQuery(response, request.headers.accept, compiled.meter.slug, query, rows);
    return handled;
  };

  return [
    defineRoute({
      method: 'get',
      path: `${path}/query`,
      scope: 'read',
      tag,
      summary: 'Query the usage of a meter',
      params,
      query: meterQueryParameters,
      responses,
      handle: (input) => answer(input.params.meterIdOrSlug, input.query, input),
    }),
    defineRoute({
      method: 'post',
      path: `${path}/query`,
      scope: 'read',
      tag,
      summary: 'Query the usage of a meter, with the parameters in the body',
      params,
      body: meterQueryBody,
      responses,
      handle: (input) => answer(input.params.meterIdOrSlug, input.body, input),
    }),
    defineRoute({
      method: 'get',
      path: `${path}/subjects`,
      scope: 'read',
      tag,
      summary: 'List the subjects that have usage of a meter',
      params,
      query: span,
      responses: { 200: { description: 'Their keys.', schema: z.array(z.string()) } },
      handle: async (input) =>
        json(
          200,
          await listMeterSubjects(database, await meters.compiled(input.params.meterIdOrSlug), {
            from: input.query.from,
            to: input.query.to,
          }),
        ),
    }),
    defineRoute({
      method: 'get',
      path: `${path}/group-by/{groupByKey}/values`,
      scope: 'read',
      tag,
      summary: 'List the values of a group-by key; those of the last 24 hours unless told otherwise',
      params: params.extend({ groupByKey: z.string().min(1).max(64) }),
      query: span,
      responses: { 200: { description: 'The values.', schema: z.array(z.string()) } },
      handle: async (input) => {
        const { meterIdOrSlug, groupByKey } = input.params;
        const { from = clock.now() - DAY_MS, to } = input.query;
        const compiled = await meters.compiled(meterIdOrSlug, [groupByKey]);
        return json(200, await listGroupValues(database, compiled, groupByKey, { from, to }));
      },
    }),
  ];
};
