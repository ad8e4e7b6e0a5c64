import type { Queryable } from '../storage';

/** Events taken in during ten seconds, by all replicas. */
export interface TrafficBucket {
  /** Its beginning, epoch milliseconds. */
  at: number;
  events: number;
}

export const addTraffic = async (queryable: Queryable, buckets: readonly TrafficBucket[]): Promise<void> => {
  const { arrays } = queryable;
  // Sorted, so that replicas that add at the same time wait for each other instead of deadlocking.
  const sorted = [...buckets].sort((a, b) => a.at - b.at);
  await queryable.query(
    `INSERT INTO event_traffic (bucket, events) SELECT * FROM unnest($1::bigint[], $2::bigint[])
     ON CONFLICT (bucket) DO UPDATE SET events = event_traffic.events + excluded.events`,
    [arrays.bigint(sorted.map(({ at }) => at)), arrays.bigint(sorted.map(({ events }) => events))],
  );
};

/** Oldest first, from `from` on. */
export const readTraffic = async (queryable: Queryable, from: number): Promise<TrafficBucket[]> => {
  const { rows } = await queryable.query<TrafficBucket>(
    'SELECT bucket AS at, events FROM event_traffic WHERE bucket >= $1::bigint ORDER BY bucket',
    [from],
  );
  return rows;
};

export const forgetTraffic = async (queryable: Queryable, before: number): Promise<void> => {
  await queryable.query('DELETE FROM event_traffic WHERE bucket < $1::bigint', [before]);
};
