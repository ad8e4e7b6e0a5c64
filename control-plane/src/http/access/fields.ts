import { z } from 'zod';
import { toTimeText } from '../../primitives/time-text';

/** A key that people choose. */
export const key = z
  .string()
  .min(1)
  .max(64)
  .regex(
    /^[a-z0-9]+(?:[_-][a-z0-9]+)*$/,
    'must consist of lower-case letters, digits, and single - or _ between them',
  );

export const timeText = z.iso.datetime();

/** Epoch milliseconds as RFC 3339 text. */
export const time = (instant: number | null | undefined): string | null =>
  instant === null || instant === undefined ? null : toTimeText(instant);

/** How many items of a list one answer holds. */
export const limit = z.coerce.number().int().min(1).max(1_000).default(100);
