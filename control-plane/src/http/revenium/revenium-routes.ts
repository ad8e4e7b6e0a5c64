import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { type ExactJson, parseExactJson, type Receipt, type UsageEvent } from '../../events';
import type { Exchanges } from '../../exchanges';
import type { Elements } from '../../metering';
import { invalid, Refusal } from '../../primitives/refusal';
import { authenticate, authorize, type TokenLookup } from '../authenticate';
import { checkText } from '../check-text';
import { fieldErrorsOf } from '../mount-routes';
import { readBody } from '../read-body';
import type { FastRoute } from '../route';
import { eventBody, requestBody, responseBody } from './bodies';
import { reveniumProblem } from './problem-shape';
import { eventOf, payloadKeysOf } from './usage-events';

export interface ReveniumOptions {
  accept: (events: UsageEvent[]) => Promise<Receipt>;
  elements: Elements;
  exchanges: Exchanges;
  lookup: TokenLookup;
  now: () => number;
  bodyLimitBytes: number;
}

const answerSchema = z
  .object({
    id: z.string(),
    label: z.string(),
    resourceType: z.literal('metering'),
    object: z.literal('metering').describe('The name that the SDKs have for resourceType.'),
    signature: z.string().describe('SHA-256 of the kind and the transaction: the same for the same event.'),
    created: z.iso.datetime(),
    updated: z.iso.datetime(),
    _links: z.object({}),
  })
  .meta({ id: 'ReveniumMetering' });

/** Reads a body in full; what it means is the route's matter. */
type Act = (json: ExactJson, now: number) => Promise<string>;

/** Revenium's metering API, v2: events with payloads of their own, and requests and responses told apart. */
export const reveniumRoutes = (options: ReveniumOptions): FastRoute[] => {
  const { accept, elements, exchanges } = options;

  const route = (path: string, label: string, summary: string, body: z.ZodType, act: Act): FastRoute => ({
    method: 'post',
    path: `/meter/v2/${path}`,
    scope: 'ingest',
    tag: 'Revenium',
    summary,
    body,
    responses: { 201: { description: 'Stored.', schema: answerSchema } },
    errorBody: reveniumProblem,
    handleFast: async (request) => {
      authorize(await authenticate(request, options.lookup, 'x-api-key'), 'ingest');
      const now = options.now();
      const json = await readJson(request, options.bodyLimitBytes);
      return { status: 201, body: answerOf(label, await act(json, now), now) };
    },
  });

  return [
    route(
      'events',
      'meter.event',
      'Meter an event: numeric keys of its payload become meters, text keys dimensions',
      eventBody,
      async ({ value, isExact }, now) => {
        // Validation would copy exact numbers, so the payload is taken as it was read.
        const body = check(eventBody, value);
        const { payload } = value as { payload: Record<string, unknown> };
        const keys = payloadKeysOf(payload);
        const event = eventOf({ ...body, payload }, isExact, now);
        await elements.ensure(keys.numeric, keys.text);
        await accept([event]);
        return body.transactionId;
      },
    ),
    route(
      'apis/requests',
      'metered.api.request',
      'Meter the request of an API call; its response is sent on its own',
      requestBody,
      async ({ value }) => {
        const { transactionId, ...request } = check(requestBody, value);
        await exchanges.add(transactionId, { request });
        return transactionId;
      },
    ),
    route(
      'apis/responses',
      'metered.api.response',
      'Meter the response of an API call; its request is sent on its own',
      responseBody,
      async ({ value }) => {
        const { transactionId, ...response } = check(responseBody, value);
        await exchanges.add(transactionId, { response });
        return transactionId;
      },
    ),
  ];
};

const readJson = async (request: IncomingMessage, limitBytes: number): Promise<ExactJson> => {
  const text = (await readBody(request, limitBytes)).toString('utf8');
  const json = parse(text);
  checkText(json.value, 'body');
  return json;
};

const parse = (text: string): ExactJson => {
  try {
    return parseExactJson(text);
  } catch (error) {
    throw new Refusal('invalid', 'malformed_json', `the body is not JSON: ${(error as Error).message}`);
  }
};

const check = <T extends z.ZodType>(schema: T, value: unknown): z.output<T> => {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const fields = fieldErrorsOf(result.error, 'body');
  const summary = fields.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw invalid('validation_failed', `the body is not valid: ${summary}`, fields);
};

const answerOf = (label: string, transactionId: string, now: number): z.input<typeof answerSchema> => {
  const at = new Date(now).toISOString();
  return {
    id: transactionId,
    label,
    resourceType: 'metering',
    object: 'metering',
    signature: createHash('sha256').update(`${label}\n${transactionId}`).digest('hex'),
    created: at,
    updated: at,
    _links: {},
  };
};
