import { z } from 'zod';
import type { GatewayWithHealth } from '../enforcement';
import type { ClosestItem, ClosestToLimit } from '../entitlements';
import { type Activity, activityKinds } from '../overview/activity';
import type { ActivityFeed } from '../overview/activity-feed';
import type { Overview, ReadOverview } from '../overview/overview';
import type { Clock } from '../primitives/clock';
import { formatQuantity } from '../primitives/decimal';
import { DAY_MS } from '../primitives/durations';
import { openEventStream, refuseStreamsBeyond } from './event-stream';
import { optionalTimeText, plainText, queryFlag, time, timeText, toTimeText } from './openmeter/fields';
import { defineRoute, handled, json, type Route } from './route';

const tag = 'Overview';
const maximumActivityViews = 100;

const gatewaySchema = z.object({
  id: z.string(),
  key: z.string(),
  name: z.string(),
  driver: z.string(),
  status: z.enum(['unknown', 'healthy', 'failing']),
  version: z.string().nullable(),
  error: z.string().nullable(),
  failingSince: timeText.nullable(),
  checkedAt: timeText.nullable(),
});

const overviewSchema = z
  .object({
    at: timeText,
    events: z.object({
      perMinute: z.int().describe('New events of the last minute, in steps of ten seconds.'),
      minutes: z
        .array(z.object({ from: timeText, events: z.int() }))
        .describe('The last sixty whole minutes, oldest first, of all replicas.'),
    }),
    access: z.object({
      customersOut: z.int().describe('Customers that are out under at least one policy.'),
      in: z.int(),
      out: z.int(),
      pending: z.int(),
      failing: z.int(),
    }),
    crossings: z.object({ since: timeText, count: z.int().describe('100,000 at most.') }),
    deliveries: z.object({
      retrying: z.int().describe('Failed at least once, and tried again.'),
      failed: z.int().describe('Given up within the last 24 hours.'),
    }),
    gateways: z.array(gatewaySchema),
  })
  .meta({ id: 'Overview' });

const gatewayBody = (gateway: GatewayWithHealth): z.input<typeof gatewaySchema> => ({
  id: gateway.id,
  key: gateway.key,
  name: gateway.name,
  driver: gateway.driver,
  status: gateway.health.status,
  version: gateway.health.version ?? null,
  error: gateway.health.error ?? null,
  failingSince: optionalTimeText(gateway.health.failingSince) ?? null,
  checkedAt: optionalTimeText(gateway.health.checkedAt) ?? null,
});

const overviewBody = (overview: Overview): z.input<typeof overviewSchema> => ({
  at: toTimeText(overview.at),
  events: {
    perMinute: overview.traffic.perMinute,
    minutes: overview.traffic.minutes.map(({ from, events }) => ({ from: toTimeText(from), events })),
  },
  access: { customersOut: overview.access.customersOut, ...overview.access.states },
  crossings: { since: toTimeText(overview.crossings.since), count: overview.crossings.count },
  deliveries: overview.deliveries,
  gateways: overview.gateways.map(gatewayBody),
});

const quantityText = z.string().describe('Decimal text, exact.');

const closestSchema = z
  .object({
    entitlementId: z.string(),
    customerId: z.string(),
    customerKey: z.string().nullable(),
    customerName: z.string(),
    feature: z.string(),
    usage: quantityText,
    allowance: quantityText.describe('The usage at which the balance is zero; decimal text, exact.'),
    share: z.number().describe('usage / allowance; 1 is the end.'),
    hasAccess: z.boolean(),
    isSoftLimit: z.boolean(),
    periodFrom: timeText,
    periodTo: timeText,
    perHour: quantityText.nullable().describe('Usage an hour, as of the last hour.'),
    exhaustedAt: timeText
      .nullable()
      .describe('When it will be used up at that rate; null when that is not before the period ends.'),
  })
  .meta({ id: 'UsedShare' });

const closestBody = ({
  forecast,
  featureKey,
  measuredFrom: _,
  ...item
}: ClosestItem): z.input<typeof closestSchema> => ({
  ...item,
  feature: featureKey,
  share: Number(item.usage) / Number(item.allowance),
  periodFrom: toTimeText(item.periodFrom),
  periodTo: toTimeText(item.periodTo),
  perHour: forecast ? formatQuantity(forecast.perHour.toDecimalPlaces(3)) : null,
  exhaustedAt: optionalTimeText(forecast?.exhaustedAt) ?? null,
});

const activitySchema = z
  .object({
    id: z.string(),
    at: timeText,
    kind: z.enum(activityKinds),
    group: z.string().describe('The same for a limit that was reached and the cut-off it caused.'),
    customerId: z.string(),
    customerKey: z.string().nullable(),
    customerName: z.string(),
    feature: z.string(),
    what: z.string().describe("In words, to go on from the customer's name."),
    consequence: z.string().nullable().describe('What followed at the gateway, in words.'),
    usage: quantityText.nullable(),
    allowance: quantityText.nullable(),
    gatewayKey: z.string().nullable(),
    consumer: z.string().nullable(),
    durationMs: z.int().nullable(),
  })
  .meta({ id: 'Activity' });

const activityBody = ({ featureKey, ...activity }: Activity): z.input<typeof activitySchema> => ({
  ...activity,
  feature: featureKey,
  at: toTimeText(activity.at),
});

export interface OverviewRoutesOptions {
  overview: ReadOverview;
  closest: ClosestToLimit;
  feed: ActivityFeed;
  clock: Clock;
}

/** What an operator sees first. */
export const overviewRoutes = ({ overview, closest, feed, clock }: OverviewRoutesOptions): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/v1/overview',
    scope: 'read',
    tag,
    summary: 'Traffic, who is out, crossings, failing deliveries and the health of gateways',
    query: z.object({
      crossingsSince: time
        .optional()
        .describe('From when on crossings are counted; the beginning of the day in UTC unless given.'),
    }),
    responses: { 200: { description: 'The figures.', schema: overviewSchema } },
    handle: async ({ query }) => {
      const today = Math.floor(clock.now() / DAY_MS) * DAY_MS;
      return json(200, overviewBody(await overview(query.crossingsSince ?? today)));
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/overview/closest-to-limit',
    scope: 'read',
    tag,
    summary: 'Metered entitlements by the share that is used, with a forecast',
    query: z.object({
      feature: plainText(1, 64).optional(),
      search: plainText(1, 128).optional().describe("Part of the customer's key or name."),
      withExhausted: queryFlag.default(false).describe('Also those that have used all of it.'),
      page: z.coerce.number().int().min(1).max(1_000).default(1),
      pageSize: z.coerce.number().int().min(1).max(100).default(10),
    }),
    responses: {
      200: {
        description:
          'A page. The list is up to two seconds old, or more where reading it takes long, and ends at a thousand.',
        schema: z.object({
          items: z.array(closestSchema),
          page: z.int(),
          pageSize: z.int(),
          listed: z.int().describe('Entries of the list, a thousand at most.'),
          totalCount: z.int().describe('Entitlements that match.'),
        }),
      },
    },
    handle: async ({ query: { feature, search, withExhausted, page, pageSize } }) => {
      const slice = { limit: pageSize, offset: (page - 1) * pageSize };
      const { items, listed, count } = await closest({ featureKey: feature, search, withExhausted }, slice);
      return json(200, { items: items.map(closestBody), page, pageSize, listed, totalCount: count });
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/overview/activity',
    scope: 'read',
    tag,
    summary: 'What happened, the newest first: warned, cut off, restored, drift repaired',
    query: z.object({
      customer: plainText(1, 256).optional().describe("The customer's id or key."),
      feature: plainText(1, 64).optional(),
      cursor: z.string().max(64).optional().describe('`nextCursor` of the page before.'),
      limit: z.coerce.number().int().min(1).max(100).default(10),
    }),
    responses: {
      200: {
        description: 'A page.',
        schema: z.object({ items: z.array(activitySchema), nextCursor: z.string().nullable() }),
      },
    },
    handle: async ({ query: { customer, feature, cursor, limit } }) => {
      const { items, next } = await feed.page({ customer, featureKey: feature }, cursor, limit);
      return json(200, { items: items.map(activityBody), nextCursor: next });
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/overview/activity/stream',
    scope: 'read',
    tag,
    summary: 'What happens from now on, as it happens',
    responses: {
      200: {
        description: 'Events named `activity`, whose data is one of the list in JSON.',
        contentType: 'text/event-stream',
      },
      503: { description: 'Too many streams are open.' },
    },
    handle: async ({ response }) => {
      refuseStreamsBeyond(feed.size, maximumActivityViews);
      const stream = openEventStream(response);
      const end = await feed.listen((activities) => {
        for (const activity of activities)
          stream.send('activity', JSON.stringify(activityBody(activity)), activity.id);
      }, stream.end);
      stream.onEnd(end);
      return handled;
    },
  }),
];
