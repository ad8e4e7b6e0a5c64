/** A CloudEvent, as it was sent. */
export interface CloudEvent {
  id: string;
  source: string;
  specversion: string;
  type: string;
  subject: string;
  time: string;
  data?: Record<string, unknown>;
}

/** An event that was taken in, with why it does not count, if it does not. */
export interface IngestedEvent {
  event: CloudEvent;
  customerId?: string;
  validationError?: string;
  isDuplicate?: boolean;
  ingestedAt: string;
}

/** A request that was refused as a whole. */
export interface RefusedIngest {
  refused: { at: string; code: string; message: string; fields: { field: string; message: string }[] };
}

export type TailItem = IngestedEvent | RefusedIngest;

export const isRefused = (item: TailItem): item is RefusedIngest => 'refused' in item;

export const eventsPath = '/api/v2/events';

/** An event is known by its source and id together (CloudEvents 1.0); both stand in its URL. */
export const eventHref = ({ id, source }: Pick<CloudEvent, 'id' | 'source'>): string =>
  `/events/${encodeURIComponent(source)}/${encodeURIComponent(id)}`;

/** The filter of GET /api/v2/events, as JSON text; undefined where nothing is filtered. */
export const eventFilter = (asked: {
  subject?: string | undefined;
  type?: string | undefined;
}): string | undefined => {
  const filter = {
    ...(asked.subject ? { subject: { $eq: asked.subject } } : {}),
    ...(asked.type ? { type: { $eq: asked.type } } : {}),
  };
  return Object.keys(filter).length === 0 ? undefined : JSON.stringify(filter);
};
