import { z } from 'zod';
import type { InstantFilter } from '../../events';
import type { TextFilter } from '../../metering';
import { time } from './fields';

/** Nesting of $and and $or at most. */
const depthLimit = 4;
const listLimit = 100;

const text = z.string().max(1024).nullish();
const texts = z.array(z.string().max(1024)).max(listLimit).nullish();

const operators = {
  $eq: text,
  $ne: text,
  $in: texts,
  $nin: texts,
  $like: text,
  $nlike: text,
  $ilike: text,
  $nilike: text,
  $gt: text,
  $gte: text,
  $lt: text,
  $lte: text,
};

const withoutNulls = (filter: object): object =>
  Object.fromEntries(
    Object.entries(filter).filter(([, operand]) => operand !== null && operand !== undefined),
  );

const textFilterOf = (depth: number): z.ZodType<TextFilter> => {
  const schema =
    depth === 0
      ? z.strictObject(operators)
      : z.strictObject({
          ...operators,
          $and: z
            .array(textFilterOf(depth - 1))
            .max(listLimit)
            .nullish(),
          $or: z
            .array(textFilterOf(depth - 1))
            .max(listLimit)
            .nullish(),
        });
  return schema.transform((filter) => withoutNulls(filter) as TextFilter);
};

/** OpenMeter's FilterString: all operators of one object must hold. */
export const textFilter = textFilterOf(depthLimit);

const timeOperators = {
  $gt: time.nullish(),
  $gte: time.nullish(),
  $lt: time.nullish(),
  $lte: time.nullish(),
};

const timeFilterOf = (depth: number): z.ZodType<InstantFilter> => {
  const schema =
    depth === 0
      ? z.strictObject(timeOperators)
      : z.strictObject({
          ...timeOperators,
          $and: z
            .array(timeFilterOf(depth - 1))
            .max(listLimit)
            .nullish(),
          $or: z
            .array(timeFilterOf(depth - 1))
            .max(listLimit)
            .nullish(),
        });
  return schema.transform((filter) => withoutNulls(filter) as InstantFilter);
};

/** OpenMeter's FilterTime, read as epoch milliseconds. */
export const timeFilter = timeFilterOf(depthLimit);

/** JSON in a query parameter, checked by `schema`. */
export const jsonParameter = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .max(16_384)
    .transform((value, context): unknown => {
      try {
        return JSON.parse(value);
      } catch (error) {
        context.issues.push({
          code: 'custom',
          message: `must be JSON: ${(error as Error).message}`,
          input: value,
        });
        return z.NEVER;
      }
    })
    .pipe(schema);
