import { z } from 'zod';
import { parseTime } from '../../events';

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

export const toTimeText = (milliseconds: number): string => new Date(milliseconds).toISOString();

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

export const queryFlag = z.stringbool();

export const pageNumber = z.coerce.number().int().min(1).max(1_000_000);
export const pageSize = z.coerce.number().int().min(1).max(1000);
