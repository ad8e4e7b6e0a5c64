import { z } from 'zod';
import type { TextCondition } from '../../storage';
import { plainText } from '../openmeter/fields';

const defaultSize = 20;
const listLimit = 100;
const text = plainText(0, 1_024);
const listed = plainText(1, 8_192).transform((joined) => joined.split(',').slice(0, listLimit));
const flag = z.stringbool();

const integer = (minimum: number, maximum: number) => z.coerce.number().int().min(minimum).max(maximum);

/** page[size] and page[number]. */
const page = z
  .strictObject({
    size: integer(1, 1_000).default(defaultSize),
    number: integer(1, 1_000_000).default(1),
  })
  .default({ size: defaultSize, number: 1 });

export type Page = z.output<typeof page>;

const asCondition = (filter: z.output<typeof operators> | string): TextCondition => {
  if (typeof filter === 'string') return { eq: filter };
  const { oeq, ocontains, ...rest } = filter;
  return { ...rest, oneOf: oeq, containsOneOf: ocontains };
};

const operators = z.strictObject({
  eq: text.optional(),
  neq: text.optional(),
  contains: text.optional(),
  ocontains: listed.optional(),
  oeq: listed.optional(),
  gt: text.optional(),
  gte: text.optional(),
  lt: text.optional(),
  lte: text.optional(),
  exists: flag.optional(),
});

/** filter[field]=x or filter[field][operator]=x. */
const condition = z.union([text, operators]).transform(asCondition);

/** The query parameters of a list: a page, a sort attribute, and conditions on some fields. */
export const listQuery = <Field extends string, Order extends string>(
  fields: readonly Field[],
  orders: readonly [Order, ...Order[]],
  defaultOrder: Order,
) =>
  z.object({
    page,
    sort: z
      .string()
      .max(128)
      .optional()
      .transform((given, context) => {
        const [attribute = '', direction = 'asc', ...rest] = (given ?? defaultOrder).trim().split(/\s+/);
        const orderBy = orders.find((order) => order === attribute);
        if (orderBy && /^(?:asc|desc)$/.test(direction) && rest.length === 0)
          return { orderBy, isDescending: direction === 'desc' };
        context.addIssue({
          code: 'custom',
          message: `must be one of ${orders.join(', ')}, with " desc" after it for the reverse order`,
        });
        return z.NEVER;
      }),
    filter: z
      .strictObject(
        Object.fromEntries(fields.map((field) => [field, condition.optional()])) as Record<
          Field,
          z.ZodOptional<typeof condition>
        >,
      )
      .default({} as never),
  });

export const sliceOf = ({ size, number }: Page) => ({ limit: size, offset: (number - 1) * size });

export const pageAnswer = <T>(data: T[], { size, number }: Page, total: number) => ({
  data,
  meta: { page: { number, size, total } },
});

export const pageSchema = <T extends z.ZodType>(item: T) =>
  z.object({
    data: z.array(item),
    meta: z.object({
      page: z.object({ number: z.number().int(), size: z.number().int(), total: z.number().int() }),
    }),
  });
