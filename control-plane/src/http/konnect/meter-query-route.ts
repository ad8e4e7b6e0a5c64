import { z } from 'zod';
import { type MeterCatalog, type MeterQueryRow, queryMeter } from '../../metering';
import { formatQuantity, toQuantity } from '../../primitives/decimal';
import { isTimeZone } from '../../primitives/periods';
import { invalid } from '../../primitives/refusal';
import type { Database } from '../../storage';
import { optionalTimeText, time, timeText, toTimeText } from '../openmeter/fields';
import { keysOf, type MeterQueryInput, toMeterQuery } from '../openmeter/meter-query-parameters';
import { defineRoute, json, type Route } from '../route';
import { dimensionFilter } from './dimension-filter';
import { idOrKey } from './fields';

const windowSizes = { PT1M: 'MINUTE', PT1H: 'HOUR', P1D: 'DAY', P1M: 'MONTH' } as const;

const queryBody = z.strictObject({
  from: time.optional(),
  to: time.optional(),
  granularity: z.enum(['PT1M', 'PT1H', 'P1D', 'P1M']).optional(),
  time_zone: z
    .string()
    .refine(isTimeZone, 'must be the name of a time zone in the IANA database, such as "Europe/Berlin"')
    .default('UTC'),
  group_by_dimensions: z.array(z.string().max(64)).max(100).optional(),
  filters: z
    .strictObject({ dimensions: z.record(z.string().max(64), dimensionFilter).optional() })
    .optional(),
});

const numeric = z.string().regex(/^-?[0-9]+(\.[0-9]+)?$/);

const answerSchema = z
  .object({
    from: timeText.optional(),
    to: timeText.optional(),
    data: z.array(
      z.object({
        value: numeric,
        from: timeText,
        to: timeText,
        dimensions: z.record(z.string(), z.string()),
      }),
    ),
  })
  .meta({ id: 'KonnectMeterQueryResult' });

export interface MeterQueryOptions {
  meters: MeterCatalog;
  database: Database;
}

/** v3's query of a meter: values are decimal text, so no digit is lost. */
export const meterQueryRoute = ({ meters, database }: MeterQueryOptions): Route =>
  defineRoute({
    method: 'post',
    path: '/meters/{meterId}/query',
    scope: 'read',
    tag: 'Konnect: meters',
    summary: 'Query the usage of a meter',
    params: z.object({ meterId: idOrKey }),
    body: queryBody.default({ time_zone: 'UTC' }),
    responses: { 200: { description: 'The usage; only windows with events.', schema: answerSchema } },
    handle: async ({ params: { meterId }, body }) => {
      const input = inputOf(body);
      const compiled = await meters.compiled(meterId, keysOf(input));
      const query = await toMeterQuery(database, compiled, input);
      const asked = new Set(body.group_by_dimensions);
      const rows = await queryMeter(database, compiled, { ...query, groupBy: [...asked] });
      return json(200, {
        from: optionalTimeText(query.from),
        to: optionalTimeText(query.to),
        data: rows.map(rowAnswer),
      });
    },
  });

const inputOf = ({ filters, ...body }: z.output<typeof queryBody>): MeterQueryInput => {
  const { subject, customer_id: customerId, ...dimensions } = filters?.dimensions ?? {};
  return {
    from: body.from,
    to: body.to,
    windowSize: body.granularity && windowSizes[body.granularity],
    windowTimeZone: body.time_zone,
    groupBy: body.group_by_dimensions,
    subject: subject && namedBy('subject', subject),
    filterCustomerId: customerId && namedBy('customer_id', customerId),
    advancedMeterGroupByFilters: dimensions,
  };
};

/** Subjects and customers are looked up by name, so only equality can be asked of them. */
const namedBy = (
  dimension: string,
  filter: { $eq?: string | undefined; $in?: string[] | undefined },
): string[] => {
  const names = filter.$in ?? (filter.$eq ? [filter.$eq] : []);
  if (names.length > 0) return names;
  const field = `$.filters.dimensions.${dimension}`;
  const message = 'takes eq or in only';
  throw invalid('query_invalid', `${field} ${message}`, [{ code: 'invalid', field, message }]);
};

const rowAnswer = (row: MeterQueryRow): z.input<typeof answerSchema>['data'][number] => ({
  value: formatQuantity(toQuantity(row.value)),
  from: toTimeText(row.windowStart),
  to: toTimeText(row.windowEnd),
  dimensions: {
    ...row.groups,
    ...(row.subject === null ? {} : { subject: row.subject }),
    ...(row.customerId === undefined ? {} : { customer_id: row.customerId }),
  },
});
