import type { Queryable } from '../storage';

/** Deliveries that have not ended, and since when the oldest of those that are due has been (epoch ms). */
export const deliveryBacklog = async (
  queryable: Queryable,
  now: number,
): Promise<{ depth: number; oldestDueAt: number | null }> => {
  const { rows } = await queryable.query<{ depth: number; oldest: number | null }>(
    `SELECT count(*) AS depth, min(due_at) FILTER (WHERE due_at <= $1) AS oldest
     FROM notification_delivery WHERE due_at IS NOT NULL`,
    [now],
  );
  return { depth: rows[0]!.depth, oldestDueAt: rows[0]!.oldest };
};

/** Deliveries that do not arrive. */
export interface DeliveryTrouble {
  /** Failed at least once and will be tried again. */
  retrying: number;
  /** Given up since `since`. */
  failed: number;
}

/** @param since epoch milliseconds */
export const deliveryTrouble = async (queryable: Queryable, since: number): Promise<DeliveryTrouble> => {
  const { rows } = await queryable.query<DeliveryTrouble>(
    `SELECT (SELECT count(*) FROM notification_delivery WHERE due_at IS NOT NULL AND tries > 0) AS retrying,
       (SELECT count(*) FROM notification_delivery WHERE state = 'FAILED' AND updated_at >= $1::bigint) AS failed`,
    [since],
  );
  return rows[0]!;
};
