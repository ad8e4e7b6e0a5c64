import { z } from 'zod';
import { type FieldError, Refusal, type RefusalKind } from '../../primitives/refusal';
import { statusOf } from '../problem-details';
import type { Reply } from '../route';
import type { ErrorShape } from '../server';

/** Stripe's error object (API reference, errors), of v1 and v2 alike. */
export const stripeErrorSchema = z
  .object({
    error: z.object({
      type: z.string(),
      code: z.string().optional(),
      message: z.string(),
      param: z.string().optional(),
    }),
  })
  .meta({ id: 'StripeError' });

/** What Stripe's clients look at beside the message. */
export interface StripeErrorDetails {
  type?: 'invalid_request_error' | 'idempotency_error' | 'temporary_session_expired' | 'api_error';
  code?: string;
  param?: string;
  /** The header Stripe-Should-Retry; clients decide by the status without it. */
  shouldRetry?: boolean;
  status?: number;
}

/** A refusal that says in Stripe's terms what it is. */
export const stripeRefusal = (
  kind: RefusalKind,
  message: string,
  details: StripeErrorDetails = {},
): Refusal =>
  new Refusal(kind, details.code ?? 'invalid_request', message, { extensions: { stripe: details } });

const pathOf = (url: string | undefined): string => (url ?? '/').split('?', 1)[0]!;

/** Answers every failure below /v1/ and /v2/ as Stripe does. */
export const stripeErrorShape: ErrorShape = (request, response, refusal, requestId) => {
  const path = pathOf(request.url);
  if (!/^\/v[12]\//.test(path)) return false;
  const { status, error, headers } = describe(refusal, request.method ?? '', path);
  const text = JSON.stringify({ error });
  response.statusCode = status;
  for (const [name, value] of Object.entries({ ...headers, ...requestIdHeader(requestId) }))
    response.setHeader(name, value);
  response.setHeader('Content-Type', 'application/json');
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(text);
  return true;
};

/** Stripe's header of the request's id. */
const requestIdHeader = (requestId: string): Record<string, string> => ({ 'Request-Id': requestId });

/** A success on the hot path, with that header. */
export const stripeReply = (
  requestId: string,
  body: unknown,
  headers: Record<string, string> = {},
): Reply => ({ status: 200, body, headers: { ...headers, ...requestIdHeader(requestId) } });

interface Described {
  status: number;
  error: z.output<typeof stripeErrorSchema>['error'];
  headers: Record<string, string>;
}

const describe = (refusal: Refusal | undefined, method: string, path: string): Described => {
  if (!refusal)
    return {
      status: 500,
      error: { type: 'api_error', message: 'An unexpected error; it is in the log under this request.' },
      headers: {},
    };
  const own = (refusal.extensions.stripe ?? {}) as StripeErrorDetails;
  const retry = refusal.retryAfterSeconds;
  const headers = {
    ...(own.shouldRetry === undefined ? {} : { 'Stripe-Should-Retry': String(own.shouldRetry) }),
    ...(retry === undefined ? {} : { 'Retry-After': String(retry) }),
    ...(refusal.kind === 'unauthenticated' ? { 'WWW-Authenticate': 'Bearer' } : {}),
  };
  const [first] = refusal.fields;
  const status = own.status ?? (refusal.kind === 'conflict' ? 400 : statusOf(refusal));
  const isFault = status >= 500;
  const isV2 = path.startsWith('/v2/');
  const code = own.code ?? (first ? fieldCode(first, isV2) : kindCode(refusal, isV2));
  const param = own.param ?? (first ? paramOf(first.field) : undefined);
  return {
    status,
    error: {
      type: own.type ?? (isFault ? 'api_error' : 'invalid_request_error'),
      ...(code === undefined ? {} : { code }),
      message:
        refusal.code === 'route_not_found'
          ? `Unrecognized request URL (${method}: ${path}).`
          : messageOf(refusal),
      ...(param === undefined ? {} : { param }),
    },
    headers,
  };
};

const messageOf = ({ message, fields: [first] }: Refusal): string => {
  if (!first) return message;
  const param = paramOf(first.field);
  if (first.code === 'required') return `Missing required param: ${param}.`;
  return param === undefined ? first.message : `Invalid ${param}: ${first.message}`;
};

const fieldCode = ({ code }: FieldError, isV2: boolean): string => {
  if (isV2) return 'invalid_fields';
  if (code === 'required') return 'parameter_missing';
  return code === 'unrecognized_keys' ? 'parameter_unknown' : 'parameter_invalid';
};

const kindCode = ({ kind, code }: Refusal, isV2: boolean): string | undefined => {
  if (kind === 'not_found') return isV2 ? 'not_found' : 'resource_missing';
  if (kind === 'rate_limited') return 'rate_limit';
  if (code === 'meter_exists') return 'resource_already_exists';
  return isV2 && kind === 'invalid' ? 'invalid_fields' : undefined;
};

/** `$.cancel.identifier` is `cancel[identifier]`; undefined for the body itself. */
const paramOf = (field: string): string | undefined => {
  const [first, ...rest] = field
    .replace(/^\$\.?/, '')
    .replaceAll(/\[(\d+)\]/g, '.$1')
    .split('.')
    .filter((part) => part !== '');
  return first === undefined ? undefined : `${first}${rest.map((part) => `[${part}]`).join('')}`;
};
