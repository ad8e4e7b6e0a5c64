import type { Queryable } from '../storage';

/** Customers whose access is due to be looked at, and since when the oldest has been (epoch ms). */
export const accessBacklog = async (
  queryable: Queryable,
  now: number,
): Promise<{ depth: number; oldestDueAt: number | null }> => {
  const { rows } = await queryable.query<{ depth: number; oldest: number | null }>(
    'SELECT count(*) AS depth, min(due_at) AS oldest FROM access_state WHERE due_at <= $1',
    [now],
  );
  return { depth: rows[0]!.depth, oldestDueAt: rows[0]!.oldest };
};
