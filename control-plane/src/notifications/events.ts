import type { Clock } from '../primitives/clock';
import type { IdentifierSource } from '../primitives/identifiers';
import { invalid, notFound } from '../primitives/refusal';
import type { Database } from '../storage';
import { type EventListRequest, findEvent, listEvents, resendDeliveries } from './event-store';
import type { NotificationEvent } from './notification-event';
import type { NotificationRecorder, NotificationRecorderOptions } from './notification-recorder';
import type { Page } from './page';
import { payloadOf } from './payload';
import { rulesInForce } from './rule-store';
import { testData } from './test-payload';

export interface EventsOptions extends NotificationRecorderOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
  recorder: NotificationRecorder;
}

/** The events that were told, as they are looked at, sent again and tried out. */
export const createEvents = ({ database, clock, newId, recorder, announce }: EventsOptions) => {
  const get = async (id: string): Promise<NotificationEvent> => {
    const event = await findEvent(database, id);
    if (!event) throw notFound('notification event', id);
    return event;
  };

  return {
    get,

    list: (request: EventListRequest): Promise<Page<NotificationEvent>> => listEvents(database, request),

    /** Sends an event again, over all its channels or over those given; the webhook-id stays, so receivers know it. */
    resend: async (id: string, channelIds: readonly string[] | undefined): Promise<void> => {
      const event = await get(id);
      const known = event.deliveries.map(({ channelId }) => channelId);
      for (const [index, channelId] of (channelIds ?? []).entries()) {
        if (known.includes(channelId)) continue;
        const message = `the event was not sent over the channel "${channelId}"`;
        throw invalid('channel_not_found', message, [
          { code: 'channel_not_found', field: `$.channels[${index}]`, message },
        ]);
      }
      await database.transaction(async (transaction) => {
        const wanted = channelIds && channelIds.length > 0 ? channelIds : known;
        const resent = await resendDeliveries(transaction, id, wanted, clock.now());
        if (resent.length > 0) await announce(transaction, resent);
      });
    },

    /** Tells a made-up event of the rule over its channels, marked as a test by the annotation notification.rule.test. */
    test: async (ruleId: string): Promise<NotificationEvent> => {
      const id = newId();
      await database.transaction(async (transaction) => {
        const [rule] = await rulesInForce(transaction, [ruleId], []);
        if (!rule) throw invalid('rule_not_in_force', 'there is no such rule, or it is disabled or deleted');
        const now = clock.now();
        const payload = payloadOf(id, rule, now, testData(rule, newId, now));
        const event = { id, rule, createdAt: now, payload, annotations: { 'notification.rule.test': true } };
        await recorder.save(transaction, [event], now);
      });
      return get(id);
    },
  };
};

export type Events = ReturnType<typeof createEvents>;
