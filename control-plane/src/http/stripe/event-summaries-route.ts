import { z } from 'zod';
import { findCustomer } from '../../customers';
import { compileMeter, type MeterQueryRow, queryMeter, subjectsOfCustomers } from '../../metering';
import type { Database } from '../../storage';
import type { StripeMeter } from '../../stripe/stripe-meter';
import type { StripeMeters } from '../../stripe/stripe-meters';
import { defineRoute, json, type Route } from '../route';
import { expand, integer, limit, listOf, tag, text } from './fields';
import { stripeErrorSchema, stripeRefusal } from './stripe-error';

const summarySchema = z
  .object({
    id: z.string(),
    object: z.literal('billing.meter_event_summary'),
    aggregated_value: z.number(),
    start_time: z.number().int().describe('Unix seconds, inclusive.'),
    end_time: z.number().int().describe('Unix seconds, exclusive.'),
    livemode: z.boolean(),
    meter: z.string(),
  })
  .meta({ id: 'StripeMeterEventSummary' });

type Summary = z.output<typeof summarySchema>;

/** Seconds to which start and end must be aligned, by the grouping window. */
const alignments = { none: 60, hour: 3_600, day: 86_400 } as const;
const names = { none: 'minute', hour: 'hour', day: 'UTC day' } as const;
/** Seconds since the epoch until the end of the year 9999. */
const latest = 253_402_300_799;

export interface EventSummariesOptions {
  database: Database;
  meters: StripeMeters;
}

/** What a customer used, as a whole or by hour or day: the meter's own queries, the latest window first. */
export const eventSummariesRoute = ({ database, meters }: EventSummariesOptions): Route =>
  defineRoute({
    method: 'get',
    path: '/v1/billing/meters/{id}/event_summaries',
    scope: 'read',
    tag,
    summary: "Summarise a customer's usage of a meter, by hour or day where asked for",
    params: z.object({ id: z.string().max(64) }),
    query: z.object({
      customer: text(256),
      start_time: integer,
      end_time: integer,
      value_grouping_window: z.enum(['hour', 'day']).optional(),
      limit,
      starting_after: z.string().max(256).optional(),
      ending_before: z.string().max(256).optional(),
      expand,
    }),
    responses: { 200: { description: 'A page of summaries.', schema: listOf(summarySchema) } },
    errorBody: stripeErrorSchema,
    handle: async ({ params, query }) => {
      const window = query.value_grouping_window ?? 'none';
      assertAligned(query.start_time, query.end_time, window);
      const stripe = await meters.get(params.id);
      const rows = await queryMeter(database, compileMeter(stripe.meter, 0), {
        from: query.start_time * 1_000,
        to: query.end_time * 1_000,
        windowSize: window === 'none' ? undefined : window === 'hour' ? 'HOUR' : 'DAY',
        timeZone: 'UTC',
        subjects: await subjectsOf(database, query.customer),
        filters: {},
        groupBy: [],
        customers: undefined,
      });
      const all = window === 'none' ? [wholeSpan(stripe, query, rows)] : byWindow(stripe, rows);
      const { data, hasMore } = pageOf(all, query);
      return json(200, {
        object: 'list',
        url: `/v1/billing/meters/${params.id}/event_summaries`,
        has_more: hasMore,
        data,
      });
    },
  });

const assertAligned = (start: number, end: number, window: keyof typeof alignments): void => {
  for (const [param, value] of Object.entries({ start_time: start, end_time: end })) {
    if (value < 0 || value > latest)
      throw stripeRefusal('invalid', `Invalid ${param}: it must be a Unix time in seconds.`, { param });
    if (value % alignments[window] !== 0)
      throw stripeRefusal('invalid', `${param} must be aligned with ${names[window]} boundaries.`, { param });
  }
  if (end <= start)
    throw stripeRefusal('invalid', 'end_time must be after start_time.', { param: 'end_time' });
};

/** The subjects of the customer with this id or key; without one, the subject of that name itself. */
const subjectsOf = async (database: Database, customer: string): Promise<string[]> => {
  const found = await findCustomer(database, customer);
  if (!found) return [customer];
  return [...new Set([customer, ...(await subjectsOfCustomers(database, [found.id])).keys()])];
};

const summaryOf = ({ meter }: StripeMeter, from: number, to: number, value: string): Summary => ({
  id: `mtrusg_${meter.id}_${from}_${to}`,
  object: 'billing.meter_event_summary',
  aggregated_value: Number(value),
  start_time: from,
  end_time: to,
  livemode: true,
  meter: meter.id,
});

const wholeSpan = (
  stripe: StripeMeter,
  { start_time, end_time }: { start_time: number; end_time: number },
  [row]: readonly MeterQueryRow[],
): Summary => summaryOf(stripe, start_time, end_time, row?.value ?? '0');

const byWindow = (stripe: StripeMeter, rows: readonly MeterQueryRow[]): Summary[] =>
  [...rows]
    .sort((a, b) => b.windowStart - a.windowStart)
    .map((row) => summaryOf(stripe, row.windowStart / 1_000, row.windowEnd / 1_000, row.value));

const pageOf = (
  all: readonly Summary[],
  query: { limit: number; starting_after?: string | undefined; ending_before?: string | undefined },
): { data: readonly Summary[]; hasMore: boolean } => {
  if (query.ending_before !== undefined) {
    const end = positionOf(all, query.ending_before, 'ending_before');
    const start = Math.max(0, end - query.limit);
    return { data: all.slice(start, end), hasMore: start > 0 };
  }
  const start =
    query.starting_after === undefined ? 0 : positionOf(all, query.starting_after, 'starting_after') + 1;
  const end = start + query.limit;
  return { data: all.slice(start, end), hasMore: end < all.length };
};

const positionOf = (all: readonly Summary[], id: string, param: string): number => {
  const position = all.findIndex((summary) => summary.id === id);
  if (position >= 0) return position;
  throw stripeRefusal('invalid', `No such meter event summary: '${id}'`, { code: 'resource_missing', param });
};
