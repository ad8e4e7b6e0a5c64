import type { StoredEvent } from '../../events';
import { toTimeText } from './fields';

/** A stored event; its place in the order of ingestion is not shown. */
export type ShownEvent = Omit<StoredEvent, 'seq'>;

/** A stored event with what is known about it besides. */
export interface ListedEvent {
  event: ShownEvent;
  customerId: string | undefined;
  validationError: string | undefined;
}

/**
 * An ingested event as OpenMeter shows it, as JSON text. The event's data is written as it was stored, so that no digit
 * of a number is lost.
 * @param more further members
 */
export const listedEventText = (
  { event, customerId, validationError }: ListedEvent,
  more: Record<string, unknown> = {},
): string => {
  const receivedAt = toTimeText(event.receivedAt);
  const rest = {
    ...(customerId === undefined ? {} : { customerId }),
    ...(validationError === undefined ? {} : { validationError }),
    ingestedAt: receivedAt,
    // Storing is part of taking an event in: both are one transaction.
    storedAt: receivedAt,
    ...more,
  };
  return `{"event":${eventText(event)},${JSON.stringify(rest).slice(1)}`;
};

const eventText = (event: ShownEvent): string => {
  const known = JSON.stringify({
    id: event.id,
    source: event.source,
    specversion: '1.0',
    type: event.type,
    subject: event.subject,
    time: toTimeText(event.time),
  });
  const attributes = event.attributesText === null ? '' : event.attributesText.slice(1, -1);
  const data = event.dataText === null ? '' : `"data":${event.dataText}`;
  return `${[known.slice(0, -1), attributes, data].filter((part) => part !== '').join(',')}}`;
};
