import { z } from 'zod';
import { parseTime } from '../../events';
import { formatQuantity, parseQuantity, type Quantity } from '../../primitives/decimal';
import { toTimeText } from '../../primitives/time-text';

/** Fields that the resources of OpenMeter's v1 and v2 API share. */

const notTime = 'must be an RFC 3339 time such as "2026-01-31T14:03:22.118Z"';

/** An RFC 3339 time, read as epoch milliseconds. */
export const time = z
  .string({ error: notTime })
  .transform((text, context): number => {
    const milliseconds = parseTime(text);
    if (milliseconds !== undefined) return milliseconds;
    context.issues.push({ code: 'custom', message: notTime, input: text });
    return z.NEVER;
  })
  .meta({ type: 'string', format: 'date-time' });

/** A time as answers have it. */
export const timeText = z.iso.datetime();

export { toTimeText };

/** For members that are left out rather than null. */
export const optionalTimeText = (milliseconds: number | null | undefined): string | undefined =>
  milliseconds === null || milliseconds === undefined ? undefined : toTimeText(milliseconds);

/** Text that the database can hold: no U+0000. */
export const plainText = (minimum: number, maximum: number) =>
  z
    .string()
    .min(minimum)
    .max(maximum)
    .refine((text) => !text.includes('\u0000'), 'must not contain U+0000');

/** A key of a feature: as in OpenMeter, and single dashes as well, as people name routes and services. */
export const resourceKey = z
  .string()
  .min(1)
  .max(64)
  .regex(
    /^[a-z0-9]+(?:[_-][a-z0-9]+)*$/,
    'must be lower-case letters, digits and single _ or - between them',
  );

/** An exact number: a JSON number, or decimal text where a number would lose digits. */
export const quantity = z.union([z.number(), z.string()]).transform((value, context): Quantity => {
  const parsed = parseQuantity(value);
  if (parsed) return parsed;
  context.addIssue({ code: 'custom', message: 'must be a finite number of at most 40 digits' });
  return z.NEVER;
});

/** OpenMeter answers quantities as JSON numbers of double precision. */
export const numberOf = (value: Quantity): number => Number(formatQuantity(value));

export const resourceId = z.string().meta({ description: 'A ULID.' });
export const resourceName = z.string().min(1).max(256);
export const resourceDescription = z.string().max(1024);

const metadataLimit = 64;

/** Key-value pairs of the caller's own. */
export const metadata = z
  .record(z.string().max(256), z.string().max(4096))
  .refine((record) => Object.keys(record).length <= metadataLimit, {
    message: `must have at most ${metadataLimit} keys`,
  });

/** A query parameter that may be repeated or given once, as a list. */
export const repeated = <T extends z.ZodType>(item: T, maximum = 100) =>
  z.preprocess(toList, z.array(item).max(maximum));

/** The query parser turns long lists into objects with the positions as keys. */
const toList = (value: unknown): unknown => {
  if (value === undefined || Array.isArray(value)) return value;
  return typeof value === 'object' && value !== null ? Object.values(value) : [value];
};

/** Several values of a query parameter: repeated, or joined by commas. */
export const queryList = (maximum = 100) =>
  z
    .union([z.string(), z.array(z.string())])
    .transform((value) => (Array.isArray(value) ? value : value.split(',')).filter((part) => part !== ''))
    .pipe(z.array(plainText(1, 1_024)).max(maximum));

export const queryFlag = z.stringbool();

/** Ours, beside OpenMeter's parameters: finds by a part of what people know a thing by. */
export const searchText = plainText(0, 128)
  .transform((text) => text || undefined)
  .describe('A part of the name or of the key, without regard to case.');

export const pageNumber = z.coerce.number().int().min(1).max(1_000_000);
export const pageSize = z.coerce.number().int().min(1).max(1000);
