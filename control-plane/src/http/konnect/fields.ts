import { z } from 'zod';
import { plainText } from '../openmeter/fields';

/** Fields that the resources of OpenMeter's v3 API share. */

const labelLimit = 50;
const label = z
  .string()
  .min(1)
  .max(63)
  .regex(
    /^[a-zA-Z0-9](?:[a-zA-Z0-9._-]*[a-zA-Z0-9])?$/,
    'must begin and end with a letter or digit and have letters, digits, "-", "." and "_" between',
  );

/** The caller's own key-value pairs; other interfaces call them metadata. */
export const labels = z
  .record(plainText(1, 63), label)
  .refine((record) => Object.keys(record).length <= labelLimit, {
    message: `must have at most ${labelLimit} keys`,
  });

/** Labels as answers have them: what was given as metadata may be longer. */
export const labelsAnswer = z.record(z.string(), z.string());

export const name = plainText(1, 256);
export const description = plainText(0, 1_024);
/** An id, or the key of the resource. */
export const idOrKey = plainText(1, 256);
export const dimensions = z.record(z.string(), z.string());
