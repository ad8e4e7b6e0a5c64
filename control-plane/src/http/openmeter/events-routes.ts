import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { type EventCursor, type EventListFilter, listEvents, type StoredEvent } from '../../events';
import { type MeterRegistry, subjectsOfCustomers } from '../../metering';
import type { Clock } from '../../primitives/clock';
import { DAY_MS } from '../../primitives/durations';
import { invalid } from '../../primitives/refusal';
import type { Database } from '../../storage';
import { defineRoute, handled, type Route } from '../route';
import { describeEvents } from './describe-events';
import { type ListedEvent, listedEventText } from './event-answer';
import { repeated, resourceId, time, timeText } from './fields';
import { jsonParameter, textFilter, timeFilter } from './filters';

const tag = 'Events';
/** How far back OpenMeter lists events unless told otherwise. */
const defaultDays = 32;

const limit = z.coerce.number().int().min(1).max(100).default(100);
const clientId = z.string().min(1).max(36).optional();
const customerIds = repeated(resourceId.max(64));

const ingestedEvent = z.object({
  event: z.looseObject({
    id: z.string(),
    source: z.string(),
    specversion: z.literal('1.0'),
    type: z.string(),
    subject: z.string(),
    time: timeText,
    data: z.record(z.string(), z.unknown()).optional(),
  }),
  customerId: resourceId.optional(),
  validationError: z
    .string()
    .optional()
    .meta({ description: 'Why the event does not count, a line a reason.' }),
  ingestedAt: timeText,
  storedAt: timeText,
});

const filter = z.strictObject({
  id: textFilter.optional(),
  source: textFilter.optional(),
  subject: textFilter.optional(),
  type: textFilter.optional(),
  customerId: z.strictObject({ $in: z.array(resourceId.max(64)).max(100).nullish() }).optional(),
  time: timeFilter.optional(),
  ingestedAt: timeFilter.optional(),
});

type ListedStoredEvent = ListedEvent & { event: StoredEvent };

export interface EventsRoutesOptions {
  database: Database;
  meters: MeterRegistry;
  clock: Clock;
}

/** OpenMeter's lists of ingested events, v1 and v2, each event with its customer and with why it does not count. */
export const eventsRoutes = ({ database, meters, clock }: EventsRoutesOptions): Route[] => {
  const list = async (
    conditions: EventListFilter,
    customers: readonly string[] | undefined,
    after: EventCursor | undefined,
    most: number,
  ): Promise<ListedStoredEvent[]> => {
    const subjects = customers && [...(await subjectsOfCustomers(database, customers)).keys()];
    const events = await listEvents(
      database,
      { ...conditions, ...(subjects ? { subjects } : {}) },
      after,
      most,
    );
    return describeEvents(events, database, meters);
  };

  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/events',
      scope: 'read',
      tag,
      summary: 'List ingested events, the latest first',
      query: z.object({
        clientId,
        ingestedAtFrom: time.optional(),
        ingestedAtTo: time.optional(),
        id: z.string().max(1024).optional().meta({ description: 'A part of the id is enough.' }),
        subject: z.string().max(1024).optional(),
        customerId: customerIds.optional(),
        from: time.optional().meta({ description: 'Inclusive; 32 days ago unless given.' }),
        to: time.optional().meta({ description: 'Inclusive.' }),
        limit,
      }),
      responses: { 200: { description: 'The events, as a plain array.', schema: z.array(ingestedEvent) } },
      handle: async ({ query, response }) => {
        const from = query.from ?? clock.now() - defaultDays * DAY_MS;
        const events = await list(
          {
            time: { $gte: from, ...(query.to === undefined ? {} : { $lte: query.to }) },
            ...(query.ingestedAtFrom === undefined && query.ingestedAtTo === undefined
              ? {}
              : { ingestedAt: between(query.ingestedAtFrom, query.ingestedAtTo) }),
            ...(query.id === undefined ? {} : { idPart: query.id }),
            ...(query.subject === undefined ? {} : { subject: { $eq: query.subject } }),
          },
          query.customerId?.length ? query.customerId : undefined,
          undefined,
          query.limit,
        );
        return send(response, `[${events.map((event) => listedEventText(event)).join(',')}]`);
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v2/events',
      scope: 'read',
      tag,
      summary: 'List ingested events, the latest first, page by page',
      query: z.object({
        cursor: z.string().max(256).optional(),
        limit,
        clientId,
        filter: jsonParameter(filter).optional(),
      }),
      responses: {
        200: {
          description: 'A page; nextCursor is absent on the last.',
          schema: z.object({ items: z.array(ingestedEvent), nextCursor: z.string().optional() }),
        },
        400: { description: 'The filter or the cursor is not valid.' },
      },
      handle: async ({ query, response }) => {
        const { customerId, ...conditions } = query.filter ?? {};
        const after = query.cursor === undefined ? undefined : parseCursor(query.cursor);
        // One more than asked for tells whether there is a next page.
        const events = await list(
          withoutUndefined(conditions),
          customerId?.$in ?? undefined,
          after,
          query.limit + 1,
        );
        const page = events.slice(0, query.limit);
        const last = events.length > query.limit ? page.at(-1)?.event : undefined;
        const next = last ? `,"nextCursor":${JSON.stringify(cursorText(last))}` : '';
        return send(response, `{"items":[${page.map((event) => listedEventText(event)).join(',')}]${next}}`);
      },
    }),
  ];
};

const between = (from: number | undefined, to: number | undefined) => ({
  ...(from === undefined ? {} : { $gte: from }),
  ...(to === undefined ? {} : { $lte: to }),
});

const withoutUndefined = (conditions: object): EventListFilter =>
  Object.fromEntries(Object.entries(conditions).filter(([, condition]) => condition !== undefined));

const cursorText = ({ time: at, seq }: EventCursor): string =>
  Buffer.from(`${at},${seq}`).toString('base64url');

/** @throws Refusal `cursor_invalid` */
const parseCursor = (text: string): EventCursor => {
  const match = /^(-?\d{1,16}),(\d{1,16})$/.exec(Buffer.from(text, 'base64url').toString());
  if (!match)
    throw invalid('cursor_invalid', 'the cursor is not one that this list gave', [
      { code: 'invalid', field: 'cursor', message: 'take it from nextCursor of the page before' },
    ]);
  return { time: Number(match[1]), seq: Number(match[2]) };
};

const send = (response: ServerResponse, body: string): typeof handled => {
  response.setHeader('Content-Type', 'application/json');
  response.end(body);
  return handled;
};
