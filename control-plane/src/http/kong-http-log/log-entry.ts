import { z } from 'zod';
import type { SerializedRequest } from './gateway-log';

const text = z.string().max(8_192).optional();
const number = z.union([z.number(), z.string().max(64)]).optional();
const values = z.record(z.string(), z.unknown());
/** Kong's Lua writes an empty table as an array. */
const table = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (Array.isArray(value) && value.length === 0 ? {} : value), schema).optional();

/** Latest instant that a Date holds. */
const latestTime = 8_640_000_000_000_000;

/**
 * What is read of one entry of Kong's http-log (Kong 3.9; sizes in bytes, `started_at` in milliseconds since 1970). All
 * of it may be missing, since an unrouted or refused request has fewer fields; what is there has the type that Kong
 * gives it. Fields that are not read are dropped, headers among them unless an attribute or the subject names one.
 */
const logEntry = z.object({
  request: table(
    z.object({
      id: text,
      method: text,
      uri: z.string().optional(),
      url: z.string().optional(),
      size: number,
      querystring: table(values),
      headers: table(values),
    }),
  ),
  response: table(z.object({ status: z.number().optional(), size: number })),
  consumer: table(z.object({ id: text, username: text, custom_id: text })),
  service: table(z.object({ id: text, name: text, port: z.number().optional(), protocol: text })),
  route: table(z.object({ id: text, name: text })),
  application_context: table(z.object({ application_id: text, portal_id: text })),
  app_id: text,
  control_plane_id: text,
  client_ip: text,
  started_at: z.number().int().min(0).max(latestTime).optional(),
  source: text,
  upstream_status: number,
  ai: values.optional(),
});

/** One entry, or the first field at fault. */
export const readLogEntry = (
  value: unknown,
): { entry: SerializedRequest } | { field: string; message: string } => {
  const result = logEntry.safeParse(value);
  if (result.success) return { entry: result.data as SerializedRequest };
  const [issue] = result.error.issues;
  const field = issue!.path.map(String).join('.');
  return field === ''
    ? { field, message: "must be a JSON object as Kong's http-log writes it" }
    : { field, message: issue!.message };
};
