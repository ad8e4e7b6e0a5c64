import { z } from 'zod';
import {
  type Attribution,
  type CompiledMeter,
  type GroupFilter,
  type MeterQuery,
  subjectsOfCustomers,
  unknownCustomers,
} from '../../metering';
import { isTimeZone } from '../../primitives/periods';
import { invalid, Refusal } from '../../primitives/refusal';
import type { Queryable } from '../../storage';
import { repeated, time } from './fields';
import { jsonParameter, textFilter } from './filters';

const windowSize = z.enum(['MINUTE', 'HOUR', 'DAY', 'MONTH']);
const timeZone = z.string().refine(isTimeZone, {
  message: 'must be the name of a time zone in the IANA database, such as "Europe/Berlin"',
});
const clientId = z.string().min(1).max(36);
const subject = z.string().min(1).max(1024);
const key = z.string().max(64);
const groupValue = z.string().max(1024);

const oneOrMore = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : value),
  z.array(groupValue).max(100),
);

/** The parameters of GET …/query. */
export const meterQueryParameters = z.object({
  clientId: clientId.optional(),
  from: time.optional(),
  to: time.optional(),
  windowSize: windowSize.optional(),
  windowTimeZone: timeZone.default('UTC'),
  subject: repeated(subject).optional(),
  filterCustomerId: repeated(z.string().max(64)).optional(),
  filterGroupBy: z.record(key, oneOrMore).optional(),
  advancedMeterGroupByFilters: jsonParameter(z.record(key, textFilter)).optional(),
  groupBy: repeated(key).optional(),
});

/** The body of POST …/query. */
export const meterQueryBody = z.object({
  clientId: clientId.nullish(),
  from: time.nullish(),
  to: time.nullish(),
  windowSize: windowSize.nullish(),
  windowTimeZone: timeZone.nullish(),
  subject: z.array(subject).max(100).nullish(),
  filterCustomerId: z.array(z.string().max(64)).max(100).nullish(),
  filterGroupBy: z.record(key, z.array(groupValue).max(100)).nullish(),
  advancedMeterGroupByFilters: z.record(key, textFilter).nullish(),
  groupBy: z.array(key).max(100).nullish(),
});

/** What both have come to; OpenMeter's names. */
export type MeterQueryInput = z.output<typeof meterQueryBody>;

/** The group-by keys of the meter that the parameters name. */
export const keysOf = ({ groupBy, filterGroupBy, advancedMeterGroupByFilters }: MeterQueryInput): string[] =>
  [
    ...(groupBy ?? []),
    ...Object.keys(filterGroupBy ?? {}),
    ...Object.keys(advancedMeterGroupByFilters ?? {}),
  ].filter((name) => name !== 'subject' && name !== 'customer_id');

/**
 * The question that the parameters ask. `subject` and `filterCustomerId` each filter and add their dimension to the
 * grouping, as OpenMeter has it.
 *
 * @throws Refusal `query_invalid`, `customer_not_found`
 */
export const toMeterQuery = async (
  queryable: Queryable,
  compiled: CompiledMeter,
  input: MeterQueryInput,
): Promise<MeterQuery> => {
  const from = input.from ?? undefined;
  const to = input.to ?? undefined;
  if (from !== undefined && to !== undefined && from >= to)
    throw refuse('to', 'must be after from; the span from..to is empty');
  const filters = filtersOf(compiled, input);
  const customerIds = input.filterCustomerId?.length ? input.filterCustomerId : undefined;
  const groupBy = groupByOf(compiled, input, customerIds !== undefined);
  const customers =
    customerIds || groupBy.includes('customer_id') ? await attributionOf(queryable, customerIds) : undefined;
  return {
    from,
    to,
    windowSize: input.windowSize ?? undefined,
    timeZone: input.windowTimeZone ?? 'UTC',
    subjects: subjectsOf(input.subject ?? undefined, customerIds ? customers : undefined),
    filters,
    groupBy,
    customers,
  };
};

const refuse = (field: string, message: string): Refusal =>
  invalid('query_invalid', message, [{ code: 'invalid', field, message }]);

const groupByOf = (compiled: CompiledMeter, input: MeterQueryInput, hasCustomers: boolean): string[] => {
  const groupBy = new Set<string>();
  for (const name of input.groupBy ?? []) {
    if (name !== 'subject' && name !== 'customer_id' && !compiled.groupKeys.includes(name))
      throw refuse('groupBy', `invalid group by: ${name}`);
    groupBy.add(name);
  }
  if (input.subject?.length) groupBy.add('subject');
  if (hasCustomers) groupBy.add('customer_id');
  return [...groupBy];
};

const filtersOf = (compiled: CompiledMeter, input: MeterQueryInput): GroupFilter => {
  const advanced = input.advancedMeterGroupByFilters ?? {};
  const simple = Object.entries(input.filterGroupBy ?? {}).filter(([, values]) => values.length > 0);
  if (simple.length > 0 && Object.keys(advanced).length > 0)
    throw refuse(
      'advancedMeterGroupByFilters',
      'advanced meter group by filters and filter group by cannot be used together',
    );
  const filters: GroupFilter =
    simple.length > 0
      ? Object.fromEntries(simple.map(([name, values]) => [name, { $in: values }]))
      : advanced;
  for (const name of Object.keys(filters)) {
    if (!compiled.groupKeys.includes(name)) throw refuse('filterGroupBy', `invalid group by filter: ${name}`);
  }
  return filters;
};

const attributionOf = async (
  queryable: Queryable,
  customerIds: readonly string[] | undefined,
): Promise<Attribution> => {
  const [unknown] = customerIds ? await unknownCustomers(queryable, customerIds) : [];
  if (unknown !== undefined)
    throw new Refusal('not_found', 'customer_not_found', `customer with id ${unknown} not found`);
  return subjectsOfCustomers(queryable, customerIds);
};

const subjectsOf = (
  subjects: readonly string[] | undefined,
  customers: Attribution | undefined,
): readonly string[] | undefined => {
  const given = subjects?.length ? [...new Set(subjects)] : undefined;
  if (!customers) return given;
  return given ? given.filter((name) => customers.has(name)) : [...customers.keys()];
};
