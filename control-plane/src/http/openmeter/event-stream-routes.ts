import { z } from 'zod';
import {
  type EventTail,
  maximumTails,
  type RefusedIngest,
  type TailedEvent,
  type TailItem,
} from '../../events';
import type { MeterRegistry } from '../../metering';
import type { Database } from '../../storage';
import { openEventStream, refuseStreamsBeyond } from '../event-stream';
import { defineRoute, handled, type Route } from '../route';
import { describeEvents } from './describe-events';
import { listedEventText } from './event-answer';
import { plainText, queryFlag, toTimeText } from './fields';

export interface EventStreamRoutesOptions {
  tail: EventTail;
  database: Database;
  meters: MeterRegistry;
  onError: (error: unknown) => void;
}

/** The live tail of what is taken in; ours, OpenMeter has none. */
export const eventStreamRoutes = ({ tail, database, meters, onError }: EventStreamRoutesOptions): Route[] => {
  /** Texts of what is to be shown, oldest first. */
  const textsOf = async (items: readonly TailItem[], onlyErrors: boolean): Promise<string[]> => {
    const stored = items.filter((item): item is TailedEvent => item.kind === 'stored');
    const listed = await describeEvents(
      stored.map(({ event, receivedAt }) => ({ ...event, receivedAt })),
      database,
      meters,
    );
    let next = 0;
    return items.flatMap((item) => {
      if (item.kind === 'refused') return [JSON.stringify({ refused: refusedBody(item) })];
      const event = listed[next++]!;
      if (onlyErrors && event.validationError === undefined) return [];
      return [listedEventText(event, { isDuplicate: item.isDuplicate })];
    });
  };

  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/events/stream',
      scope: 'read',
      tag: 'Events',
      summary: 'Events as this process takes them in, as far as a reader can follow',
      query: z.object({
        subject: plainText(1, 1_024).optional(),
        type: plainText(1, 1_024).optional(),
        onlyErrors: queryFlag
          .default(false)
          .describe('Only what does not count: stored events with a validation error, and refused requests.'),
      }),
      responses: {
        200: {
          description:
            'Events named `events`, four a second at most: {"items": [...], "passedOver": n}. An item is one of the list of ' +
            'events with `isDuplicate` besides, or {"refused": {at, code, message, fields}} for a request that was refused. ' +
            'passedOver counts what came but is not shown, since there was too much.',
          contentType: 'text/event-stream',
        },
        503: { description: 'Too many streams are open.' },
      },
      handle: async ({ query: { onlyErrors, ...filter }, response }) => {
        refuseStreamsBeyond(tail.size, maximumTails);
        const stream = openEventStream(response);
        let isBusy = false;
        let passedOver = 0;
        const end = tail.listen(
          filter,
          (items, passed) => {
            passedOver += passed;
            if (isBusy) {
              // The database is slower than a quarter of a second: what came meanwhile is passed over.
              passedOver += items.length;
              return;
            }
            isBusy = true;
            textsOf(items, onlyErrors)
              .then((texts) => {
                if (texts.length === 0 && passedOver === 0) return;
                stream.send('events', `{"items":[${texts.join(',')}],"passedOver":${passedOver}}`);
                passedOver = 0;
              })
              .catch(onError)
              .finally(() => {
                isBusy = false;
              });
          },
          stream.end,
        );
        stream.onEnd(end);
        return handled;
      },
    }),
  ];
};

const refusedBody = ({ kind: _kind, at, ...refusal }: RefusedIngest) => ({ at: toTimeText(at), ...refusal });
