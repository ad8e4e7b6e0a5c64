import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { statusOf } from '../problem-details';
import type { ErrorShape } from '../server';

/** The shape of a Spring service's errors, which Revenium's interface is; `code` and `errors` are ours. */
export const reveniumProblem = z
  .object({
    timestamp: z.iso.datetime(),
    status: z.int(),
    error: z.string(),
    message: z.string(),
    path: z.string(),
    requestId: z.string(),
    code: z.string(),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'ReveniumError' });

/** Answers refusals under /meter/v2 in Revenium's shape. @param now epoch milliseconds */
export const reveniumErrors =
  (now: () => number): ErrorShape =>
  (request, response, refusal, requestId) => {
    const path = (request.url ?? '').split('?', 1)[0]!;
    if (!path.startsWith('/meter/v2/')) return false;
    const status = refusal ? statusOf(refusal) : 500;
    const body: z.input<typeof reveniumProblem> = {
      timestamp: new Date(now()).toISOString(),
      status,
      error: STATUS_CODES[status] ?? 'Error',
      message: refusal?.message ?? 'an unexpected error; it is in the log under this request',
      path,
      requestId,
      code: refusal?.code ?? 'internal',
      ...(refusal && refusal.fields.length > 0
        ? {
            errors: refusal.fields.map(({ field, message }) => ({
              field: field.replace(/^\$\.?/, '') || 'body',
              message,
            })),
          }
        : {}),
    };
    response.statusCode = status;
    response.setHeader('Content-Type', 'application/json');
    if (refusal?.retryAfterSeconds !== undefined)
      response.setHeader('Retry-After', String(refusal.retryAfterSeconds));
    response.end(JSON.stringify(body));
    return true;
  };
