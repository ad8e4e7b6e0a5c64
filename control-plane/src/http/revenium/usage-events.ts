import { exactNumberText, type ParsedEvent, parseCloudEvent, type UsageEvent } from '../../events';
import type { Exchange, Half } from '../../exchanges';
import { elementEventType, elementKeyLimit } from '../../metering';
import { parseQuantity } from '../../primitives/decimal';
import { type FieldError, invalid } from '../../primitives/refusal';

/** Keys of one payload at most. */
const payloadLimit = 100;

/** Whose usage it is when the sender does not say. */
const unknownSubject = 'unknown';

export interface ReveniumEvent {
  transactionId: string;
  payload: Record<string, unknown>;
  sourceId?: string | null | undefined;
  subscriberCredential?: string | null | undefined;
  sourceType?: string | null | undefined;
}

/** The keys of a payload that are metered, and those that are dimensions. */
export interface PayloadKeys {
  numeric: string[];
  text: string[];
}

/** @throws Refusal `invalid_payload` that names every key at fault */
export const payloadKeysOf = (payload: Record<string, unknown>): PayloadKeys => {
  const entries = Object.entries(payload);
  const fields: FieldError[] = [];
  if (entries.length > payloadLimit)
    fields.push({
      code: 'too_many',
      field: '$.payload',
      message: `must have at most ${payloadLimit} keys`,
    });
  const keys: PayloadKeys = { numeric: [], text: [] };
  for (const [key, value] of fields.length > 0 ? [] : entries) {
    const isText = typeof value === 'string';
    const number = typeof value === 'number' ? String(value) : exactNumberText(value);
    if (!isText && number === undefined) continue;
    const field = `$.payload.${key.slice(0, elementKeyLimit)}`;
    if (key === '' || key.length > elementKeyLimit)
      fields.push({
        code: 'invalid_key',
        field,
        message: `a key has 1 to ${elementKeyLimit} characters`,
      });
    else if (isText) keys.text.push(key);
    else if (parseQuantity(number!)) keys.numeric.push(key);
    else fields.push({ code: 'invalid_number', field, message: 'must have at most 40 digits' });
  }
  if (fields.length === 0) return keys;
  const [first] = fields;
  throw invalid('invalid_payload', `${first!.field} ${first!.message}`, fields);
};

/** The usage event of a metered event: its id is the transaction's, so that sending it again counts nothing. */
export const eventOf = (body: ReveniumEvent, isExact: boolean, now: number): UsageEvent =>
  parsed(
    parseCloudEvent(
      {
        specversion: '1.0',
        id: body.transactionId,
        source: body.sourceId ? `revenium/${body.sourceId}` : 'revenium',
        type: elementEventType,
        subject: body.subscriberCredential ?? body.sourceId ?? unknownSubject,
        data: {
          payload: body.payload,
          ...(body.sourceId ? { sourceId: body.sourceId } : {}),
          sourceType: body.sourceType ?? 'UNKNOWN',
        },
      },
      isExact,
      now,
    ),
    { data: 'payload', id: 'transactionId', source: 'sourceId', subject: 'subscriberCredential' },
  );

/** The usage event of a request and its response, at the time of the request. */
export const exchangeEventOf = ({
  transactionId,
  request,
  requestAt,
  response,
}: Exchange & { request: Half; requestAt: number; response: Half }): UsageEvent => {
  const { contentType: responseContentType, ...rest } = response;
  return parsed(
    parseCloudEvent(
      {
        specversion: '1.0',
        id: transactionId,
        source: 'revenium-apis',
        type: 'revenium.api_request',
        subject: request.credential ?? request.sourceId ?? unknownSubject,
        data: { sourceType: 'UNKNOWN', ...request, responseContentType, ...rest },
      },
      false,
      requestAt,
    ),
    {},
  );
};

const parsed = (result: ParsedEvent, names: Record<string, string>): UsageEvent => {
  if ('event' in result) return result.event;
  const fields = result.invalid.map(({ field, code, message }) => ({
    code,
    field: `$.${names[field] ?? field}`,
    message,
  }));
  throw invalid('invalid_event', `${fields[0]!.field} ${fields[0]!.message}`, fields);
};
