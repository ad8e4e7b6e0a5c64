import { z } from 'zod';
import type { TextFilter } from '../../metering';

const text = z.string().max(1_024);
const texts = z.array(text).min(1).max(100);
/** Nesting of `and` and `or` at most. */
const depthLimit = 3;

const operators = {
  eq: text.optional(),
  neq: text.optional(),
  in: texts.optional(),
  nin: texts.optional(),
  contains: text.optional(),
  ncontains: text.optional(),
};

interface FilterBody {
  exists?: boolean | undefined;
  eq?: string | undefined;
  neq?: string | undefined;
  in?: string[] | undefined;
  nin?: string[] | undefined;
  contains?: string | undefined;
  ncontains?: string | undefined;
  and?: FilterBody[] | undefined;
  or?: FilterBody[] | undefined;
}

const partsOf = (depth: number) => ({
  ...operators,
  and: z.array(bodyOf(depth)).min(1).max(10).optional(),
  or: z.array(bodyOf(depth)).min(1).max(10).optional(),
});

const bodyOf = (depth: number): z.ZodType<FilterBody> =>
  depth === 0 ? z.strictObject(operators) : z.strictObject(partsOf(depth - 1));

const withoutUndefined = (filter: Record<string, unknown>): TextFilter =>
  Object.fromEntries(Object.entries(filter).filter(([, operand]) => operand !== undefined));

/** A dimension that an event lacks reads as the empty text, so that is what `exists` asks about. */
const filterOf = (body: FilterBody): TextFilter =>
  withoutUndefined({
    $eq: body.exists === false ? '' : body.eq,
    $ne: body.exists === true ? '' : body.neq,
    $in: body.in,
    $nin: body.nin,
    $contains: body.contains,
    $ncontains: body.ncontains,
    $and: body.and?.map(filterOf),
    $or: body.or?.map(filterOf),
  });

/** The condition on one dimension: one operator, as v3 has it. */
export const dimensionFilter = z
  .strictObject({ exists: z.boolean().optional(), ...partsOf(depthLimit) })
  .refine((body) => Object.values(body).filter((operand) => operand !== undefined).length === 1, {
    message: 'must have exactly one operator',
  })
  .transform(filterOf);

/** The same as answers show it. Operators that v3 does not have are left out: such a filter was made over v1. */
export const filterAnswer = (filter: TextFilter): Record<string, unknown> => {
  if (filter.$eq === '') return { exists: false };
  if (filter.$ne === '') return { exists: true };
  return withoutUndefined({
    eq: filter.$eq,
    neq: filter.$ne,
    in: filter.$in,
    nin: filter.$nin,
    contains: filter.$contains,
    ncontains: filter.$ncontains,
    and: filter.$and?.map(filterAnswer),
    or: filter.$or?.map(filterAnswer),
  }) as Record<string, unknown>;
};
