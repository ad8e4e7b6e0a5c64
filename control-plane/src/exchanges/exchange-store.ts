import type { Queryable } from '../storage';

export type Half = Record<string, unknown>;

/** What is known of one exchange. Times are epoch milliseconds. */
export interface Exchange {
  transactionId: string;
  request: Half | null;
  requestAt: number | null;
  response: Half | null;
}

interface ExchangeRow {
  transaction_id: string;
  request: Half | null;
  request_at: number | null;
  response: Half | null;
}

const exchangeOf = (row: ExchangeRow): Exchange => ({
  transactionId: row.transaction_id,
  request: row.request,
  requestAt: row.request_at,
  response: row.response,
});

/** Adds one half; of each the first that came stays. Gives what is known then. */
export const addHalf = async (
  queryable: Queryable,
  transactionId: string,
  half: { request: Half } | { response: Half },
  now: number,
): Promise<Exchange> => {
  const request = 'request' in half ? JSON.stringify(half.request) : null;
  const response = 'response' in half ? JSON.stringify(half.response) : null;
  const { rows } = await queryable.query<ExchangeRow>(
    `INSERT INTO exchange AS e (transaction_id, request, request_at, response, first_at)
     VALUES ($1, $2::jsonb, $3::bigint, $4::jsonb, $5::bigint)
     ON CONFLICT (transaction_id) DO UPDATE SET
       request = coalesce(e.request, excluded.request),
       request_at = coalesce(e.request_at, excluded.request_at),
       response = coalesce(e.response, excluded.response)
     RETURNING transaction_id, request, request_at, response`,
    [transactionId, request, request === null ? null : now, response, now],
  );
  return exchangeOf(rows[0]!);
};

export const removeExchanges = async (queryable: Queryable, ids: readonly string[]): Promise<void> => {
  await queryable.query('DELETE FROM exchange WHERE transaction_id = ANY ($1::text[])', [
    queryable.arrays.text(ids),
  ]);
};

/** Whole exchanges that nobody has finished: a process ended between storing the event and removing them. */
export const findUnfinished = async (
  queryable: Queryable,
  before: number,
  limit: number,
): Promise<Exchange[]> => {
  const { rows } = await queryable.query<ExchangeRow>(
    `SELECT transaction_id, request, request_at, response FROM exchange
     WHERE first_at < $1 AND request IS NOT NULL AND response IS NOT NULL ORDER BY first_at LIMIT $2::bigint`,
    [before, limit],
  );
  return rows.map(exchangeOf);
};

/** Removes halves whose other half has not come. */
export const removeLoneHalves = async (queryable: Queryable, before: number): Promise<number> => {
  const { rowCount } = await queryable.query(
    'DELETE FROM exchange WHERE first_at < $1 AND (request IS NULL OR response IS NULL)',
    [before],
  );
  return rowCount;
};

/** How many wait, counted no further than to `limit`. */
export const countWaiting = async (queryable: Queryable, limit: number): Promise<number> => {
  const { rows } = await queryable.query<{ n: number }>(
    'SELECT count(*) AS n FROM (SELECT 1 FROM exchange LIMIT $1::bigint) AS waiting',
    [limit],
  );
  return rows[0]!.n;
};
