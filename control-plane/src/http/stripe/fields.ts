import { z } from 'zod';
import { attributeLimit, isLongerThan } from '../../events';
import { toTimeText } from '../../primitives/time-text';

/** What Stripe's routes share. */

export const tag = 'Stripe';

/** Seconds since the epoch, as v1 has its times. */
export const toSeconds = (milliseconds: number): number => Math.floor(milliseconds / 1_000);

export { toTimeText };

export const text = (maximum: number) =>
  z
    .string()
    .min(1)
    .max(maximum)
    .refine((value) => !value.includes('\u0000') && !isLongerThan(value, attributeLimit), {
      message: `must have at most ${attributeLimit} bytes of UTF-8 and no U+0000`,
    });

/** Accepted as everywhere in Stripe's API; there is nothing to expand. */
export const expand = z.unknown().optional().describe('Accepted; there is nothing to expand.');

export const integer = z
  .union([z.string(), z.number()])
  .transform((value, context): number => {
    const number =
      typeof value === 'number' ? value : /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (Number.isSafeInteger(number)) return number;
    context.addIssue({ code: 'custom', message: 'must be an integer' });
    return z.NEVER;
  })
  .meta({ type: 'integer' });

export const limit = integer
  .refine((value) => value >= 1 && value <= 100, { message: 'must be between 1 and 100' })
  .default(10);

/** A page of Stripe's lists. */
export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({
    object: z.literal('list'),
    url: z.string(),
    has_more: z.boolean(),
    data: z.array(item),
  });
