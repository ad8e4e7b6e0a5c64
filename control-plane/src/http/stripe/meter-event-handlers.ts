import type { IncomingMessage } from 'node:http';
import type { Receipt, UsageEvent } from '../../events';
import type { MeterDirectory } from '../../stripe/meter-directory';
import { checkMeterEvent, type MeterEvent } from '../../stripe/meter-event';
import { authenticate, authorize, type TokenLookup } from '../authenticate';
import { readBody } from '../read-body';
import type { FastHandler } from '../route';
import { toSeconds, toTimeText } from './fields';
import { idempotencyKeyOf, keyMisused } from './idempotently';
import { formMeterEvent, jsonBody, jsonMeterEvent } from './meter-event-body';
import {
  attributesOf,
  createKeyMemory,
  type EventKey,
  eventKeyOf,
  identifierOf,
  storedKeyOf,
} from './meter-event-idempotency';
import { stripeRefusal, stripeReply } from './stripe-error';

/** Bytes of one meter event at most. */
const bodyLimitBytes = 256 * 1_024;

export interface MeterEventOptions {
  accept: (events: UsageEvent[]) => Promise<Receipt>;
  directory: MeterDirectory;
  lookup: TokenLookup;
  now: () => number;
  /** The attributes that a stored event of this interface has; null for none, undefined for no such event. */
  storedAttributes: (identifier: string) => Promise<string | null | undefined>;
}

/** How a version of the API reads a meter event and answers it. */
interface Version {
  read(request: IncomingMessage, body: string): MeterEvent;
  answer(event: UsageEvent, createdAt: number): unknown;
}

const v1: Version = {
  read: formMeterEvent,
  answer: (event, createdAt) => ({
    object: 'billing.meter_event',
    created: toSeconds(createdAt),
    event_name: event.type,
    identifier: event.id,
    livemode: true,
    payload: event.data,
    timestamp: toSeconds(event.time),
  }),
};

const v2: Version = {
  read: (request, body) => jsonMeterEvent(jsonBody(request, body), ''),
  answer: (event, createdAt) => ({
    object: 'v2.billing.meter_event',
    created: toTimeText(createdAt),
    event_name: event.type,
    identifier: event.id,
    livemode: true,
    payload: event.data,
    timestamp: toTimeText(event.time),
  }),
};

/**
 * Takes one meter event and answers when it is stored and counted. What cannot be counted is refused; an identifier that is
 * known already is refused as well (Stripe rejects duplicates), unless this is the retry of the request that brought it.
 */
const createHandler =
  (options: MeterEventOptions, version: Version, assertKey: (key: EventKey) => void): FastHandler =>
  async (request, requestId) => {
    authorize(await authenticate(request, options.lookup), 'ingest');
    const body = (await readBody(request, bodyLimitBytes)).toString('utf8');
    const given = version.read(request, body);
    const now = options.now();
    const text = idempotencyKeyOf(request);
    const key = text === undefined ? undefined : eventKeyOf(text, body, now);
    if (key) {
      assertKey(key);
      given.identifier ??= identifierOf(key);
    }
    const entries = await options.directory.entriesOf([given.event_name]);
    const checked = checkMeterEvent(
      given,
      entries.get(given.event_name),
      now,
      key ? attributesOf(key) : null,
    );
    if ('error' in checked) {
      const { code, message, param } = checked.error;
      throw stripeRefusal('invalid', message, { code, param });
    }
    const { event } = checked;
    const { duplicates } = await options.accept([event]);
    if (duplicates.length === 0) return stripeReply(requestId, version.answer(event, now));
    const first = await firstAnswer(options, event, key);
    const time = given.timestamp === undefined ? first.createdAt : event.time;
    const answer = version.answer({ ...event, time }, first.createdAt);
    return stripeReply(requestId, answer, { 'Idempotent-Replayed': 'true' });
  };

/** What the event's own request was answered. @throws Refusal when it came with another request */
const firstAnswer = async (
  { storedAttributes }: MeterEventOptions,
  { id }: UsageEvent,
  key: EventKey | undefined,
): Promise<EventKey> => {
  const attributes = key && (await storedAttributes(id));
  const stored = attributes === undefined ? undefined : storedKeyOf(attributes);
  if (!key || stored?.key !== key.key)
    throw stripeRefusal('invalid', `An event already exists with identifier ${id}.`, {
      param: 'identifier',
      shouldRetry: false,
    });
  if (stored.body !== key.body) throw keyMisused();
  return stored;
};

/** The handlers of POST /v1/billing/meter_events and /v2/billing/meter_events. */
export const createMeterEventHandlers = (options: MeterEventOptions) => {
  const assertKey = createKeyMemory();
  return { v1: createHandler(options, v1, assertKey), v2: createHandler(options, v2, assertKey) };
};
