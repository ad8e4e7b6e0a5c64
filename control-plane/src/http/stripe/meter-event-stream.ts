import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { UsageEvent } from '../../events';
import { Refusal } from '../../primitives/refusal';
import type { ErrorReports } from '../../stripe/error-reports';
import { checkMeterEvent, type MeterEvent, type MeterEventError } from '../../stripe/meter-event';
import type { Sessions } from '../../stripe/sessions';
import { authenticate, type Identity } from '../authenticate';
import { readBody } from '../read-body';
import type { FastHandler } from '../route';
import { idempotencyKeyOf } from './idempotently';
import { jsonBody, jsonMeterEvent } from './meter-event-body';
import type { MeterEventOptions } from './meter-event-handlers';
import { stripeRefusal, stripeReply } from './stripe-error';

/** Events of one request at most (Stripe's API reference, meter event stream). */
export const streamLimit = 100;
const bodyLimitBytes = 4 << 20;

export interface MeterEventStreamOptions extends Pick<MeterEventOptions, 'accept' | 'directory' | 'now'> {
  sessions: Pick<Sessions, 'find'>;
  /** Judges the session's API token by its requests, as for every other interface. @throws Refusal `rate_limited` */
  limit: (identity: Identity) => void;
  reports: Pick<ErrorReports, 'add'>;
}

/**
 * Takes up to 100 meter events with a session's token and answers `{}` when those that can be counted are, and the others are
 * stored for the error reports. Duplicates count once and are no error.
 */
export const createMeterEventStream =
  (options: MeterEventStreamOptions): FastHandler =>
  async (request, requestId) => {
    await authenticateSession(request, options);
    const body = (await readBody(request, bodyLimitBytes)).toString('utf8');
    const given = eventsOf(jsonBody(request, body));
    nameEvents(given, request, body);
    const entries = await options.directory.entriesOf(given.map((event) => event.event_name));
    const now = options.now();
    const events: UsageEvent[] = [];
    const errors: MeterEventError[] = [];
    for (const one of given) {
      const checked = checkMeterEvent(one, entries.get(one.event_name), now);
      if ('event' in checked) events.push(checked.event);
      else errors.push(errorOf(checked.error, one, entries.has(one.event_name)));
    }
    if (events.length > 0) await options.accept(events);
    if (errors.length > 0) await options.reports.add(errors);
    return stripeReply(requestId, {});
  };

/** An error without a meter belongs to no report of a meter. */
const errorOf = (error: MeterEventError, { event_name }: MeterEvent, hasMeter: boolean): MeterEventError =>
  hasMeter ? error : { ...error, message: `There is no meter with the event name "${event_name}".` };

/** Events without an identifier get one that follows from the request, so that its retry counts nothing again. */
const nameEvents = (events: readonly MeterEvent[], request: IncomingMessage, body: string): void => {
  const key = idempotencyKeyOf(request);
  if (key === undefined || events.every(({ identifier }) => identifier !== undefined)) return;
  const digest = createHash('sha256').update(`${key}\n${body}`, 'utf8').digest('base64url').slice(0, 22);
  for (const [index, event] of events.entries()) event.identifier ??= `auto_${digest}_${index}`;
};

const eventsOf = (body: unknown): MeterEvent[] => {
  const list = typeof body === 'object' && body !== null ? (body as { events?: unknown }).events : undefined;
  if (!Array.isArray(list) || list.length === 0 || list.length > streamLimit)
    throw stripeRefusal('invalid', `events must be a list of 1 to ${streamLimit} meter events.`, {
      code: 'invalid_fields',
      param: 'events',
    });
  for (const name in body as object)
    if (name !== 'events')
      throw stripeRefusal('invalid', `Unknown field: ${name.slice(0, 128)}.`, {
        code: 'invalid_fields',
        param: name.slice(0, 128),
      });
  return list.map((event, index) => jsonMeterEvent(event, `events.${index}.`));
};

const authenticateSession = (
  request: IncomingMessage,
  { sessions, now, limit }: MeterEventStreamOptions,
): Promise<Identity> =>
  authenticate(request, async (hash) => {
    const session = await sessions.find(hash);
    if (!session)
      throw new Refusal(
        'unauthenticated',
        'unauthenticated',
        'the meter event stream takes the authentication_token of a meter event session',
      );
    if (session.expiresAt <= now())
      throw stripeRefusal('unauthenticated', 'The meter event session has expired; make a new one.', {
        type: 'temporary_session_expired',
        code: 'billing_meter_event_session_expired',
      });
    const identity: Identity = { tokenId: session.apiTokenId, scopes: ['ingest'] };
    limit(identity);
    return identity;
  });
