import { isRefused, type TailItem } from './ingested-event';

/** What a tail keeps: more than anyone scrolls through, little enough to draw at once. */
const keptItems = 200;

export interface TailRow {
  key: string;
  item: TailItem;
}

export interface Tail {
  rows: readonly TailRow[];
  /** Items that came in a burst and are not shown. */
  passedOver: number;
  /** Counts all that came, and gives each row a key of its own. */
  received: number;
}

export const emptyTail: Tail = { rows: [], passedOver: 0, received: 0 };

/** Puts a batch (oldest first, as the stream sends it) on top, and lets go of the oldest. */
export const addToTail = (tail: Tail, items: readonly TailItem[], passedOver: number): Tail => {
  const rows = items.map((item, index) => ({ key: `live ${tail.received + index}`, item }));
  return {
    rows: [...rows.reverse(), ...tail.rows].slice(0, keptItems),
    passedOver: tail.passedOver + passedOver,
    received: tail.received + items.length,
  };
};

/** The stored events that were there before, below what has come since; none twice. */
export const withStored = (tail: Tail, stored: readonly TailItem[]): readonly TailRow[] => {
  const live = new Set(tail.rows.flatMap(({ item }) => (isRefused(item) ? [] : [identityOf(item)])));
  const older = stored.flatMap((item) =>
    isRefused(item) || live.has(identityOf(item)) ? [] : [{ key: identityOf(item), item }],
  );
  return [...tail.rows, ...older].slice(0, keptItems);
};

const identityOf = (item: Exclude<TailItem, { refused: unknown }>): string =>
  `${item.event.source} ${item.event.id}`;
