import type { Transaction } from '../storage';
import { type EventRow, eventColumns, type PlacedEvent, storedEventOf } from './raw-event-reader';
import { storedWeeks, tableOf, weekOf } from './week-store';

/** A stored event that may be taken back, or was. */
export interface CancelableEvent {
  event: PlacedEvent;
  /** Epoch milliseconds; null while it counts. */
  canceledAt: number | null;
}

/**
 * Finds an event by its identity and locks it, so that it is taken back once.
 * @param receivedFrom epoch milliseconds; events received before need not be found
 */
export const findCancelableEvent = async (
  transaction: Transaction,
  { id, source }: { id: string; source: string },
  receivedFrom: number,
): Promise<CancelableEvent | undefined> => {
  const weeks = (await storedWeeks(transaction)).filter((week) => week >= weekOf(receivedFrom));
  for (const week of weeks.reverse()) {
    const { rows } = await transaction.query<EventRow & { canceled_at: number | null }>(
      `SELECT ${eventColumns}, canceled_at FROM ${tableOf(week)} WHERE id = $1 AND source = $2 FOR UPDATE`,
      [id, source],
    );
    const [row] = rows;
    if (row) return { event: { ...storedEventOf(row), week }, canceledAt: row.canceled_at };
  }
  return undefined;
};

/** Marks an event that is locked as taken back: it stays known to deduplication and counts for nothing. */
export const markEventCanceled = async (
  transaction: Transaction,
  { id, source, week }: PlacedEvent,
  now: number,
): Promise<void> => {
  await transaction.query(
    `UPDATE ${tableOf(week)} SET canceled_at = $3 WHERE id = $1 AND source = $2 AND canceled_at IS NULL`,
    [id, source, now],
  );
};
