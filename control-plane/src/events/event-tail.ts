import type { Clock } from '../primitives/clock';
import type { UsageEvent } from './usage-event';

/** Live views at the same time at most. */
export const maximumTails = 50;
/** What one view is given at once at most, and how often; the rest is counted as passed over. */
const maximumShown = 100;
const intervalMs = 250;

/** An event that was just taken in. */
export interface TailedEvent {
  kind: 'stored';
  event: UsageEvent;
  /** Epoch milliseconds. */
  receivedAt: number;
  /** It was known already, and is not counted again. */
  isDuplicate: boolean;
}

/** A request that was refused: none of its events is stored. */
export interface RefusedIngest {
  kind: 'refused';
  at: number;
  code: string;
  message: string;
  fields: readonly { code: string; field: string; message: string }[];
}

export type TailItem = TailedEvent | RefusedIngest;

export interface TailFilter {
  subject?: string | undefined;
  type?: string | undefined;
}

/** Takes what came since the last time, oldest first, and how many items were passed over because there were too many. */
export type TailListener = (items: readonly TailItem[], passedOver: number) => void;

interface Tail {
  filter: TailFilter;
  listener: TailListener;
  ended: () => void;
  items: TailItem[];
  passedOver: number;
  timer: NodeJS.Timeout;
}

/**
 * Live views of what this process takes in. Nothing waits for a viewer: with none, a batch costs one comparison; with one,
 * a hundred references every quarter of a second, and everything beyond is counted only.
 */
export const createEventTail = (clock: Clock) => {
  const tails = new Set<Tail>();

  const offer = (tail: Tail, item: TailItem): void => {
    if (tail.items.length < maximumShown) tail.items.push(item);
    else tail.passedOver += 1;
  };

  const matches = ({ subject, type }: TailFilter, event: UsageEvent): boolean =>
    (subject === undefined || event.subject === subject) && (type === undefined || event.type === type);

  const flush = (tail: Tail): void => {
    if (tail.items.length === 0) return;
    const { items, passedOver } = tail;
    tail.items = [];
    tail.passedOver = 0;
    tail.listener(items, passedOver);
  };

  const end = (tail: Tail): void => {
    clearInterval(tail.timer);
    tails.delete(tail);
  };

  return {
    /** A batch was committed. */
    stored: (events: readonly UsageEvent[], duplicates: ReadonlySet<number>): void => {
      if (tails.size === 0) return;
      const receivedAt = clock.now();
      for (const tail of tails) {
        const takesAll = tail.filter.subject === undefined && tail.filter.type === undefined;
        for (let position = 0; position < events.length; position += 1) {
          if (takesAll && tail.items.length >= maximumShown) {
            tail.passedOver += events.length - position;
            break;
          }
          const event = events[position]!;
          if (!takesAll && !matches(tail.filter, event)) continue;
          offer(tail, { kind: 'stored', event, receivedAt, isDuplicate: duplicates.has(position) });
        }
      }
    },

    /** A request was refused. Whose events it held is not known, so filters do not apply. */
    refused: (refusal: Omit<RefusedIngest, 'kind' | 'at'>): void => {
      for (const tail of tails) offer(tail, { kind: 'refused', at: clock.now(), ...refusal });
    },

    get size(): number {
      return tails.size;
    },

    /**
     * @param ended is called when the process stops
     * @returns the way to end it
     */
    listen: (filter: TailFilter, listener: TailListener, ended: () => void): (() => void) => {
      const tail: Tail = {
        filter,
        listener,
        ended,
        items: [],
        passedOver: 0,
        timer: setInterval(() => flush(tail), intervalMs).unref(),
      };
      tails.add(tail);
      return () => end(tail);
    },

    stop: async (): Promise<void> => {
      for (const tail of [...tails]) {
        end(tail);
        tail.ended();
      }
    },
  };
};

export type EventTail = ReturnType<typeof createEventTail>;
