import type { Queryable } from '../storage';

/** A session of the meter event stream; times are epoch milliseconds. */
export interface Session {
  id: string;
  apiTokenId: string;
  createdAt: number;
  expiresAt: number;
  /** Whether the API token that it was made with has ended. */
  isRevoked: boolean;
}

/** Stores a session unless `limit` live ones are there. */
export const insertSession = async (
  queryable: Queryable,
  session: Session,
  tokenHash: string,
  limit: number,
  now: number,
): Promise<boolean> => {
  const { rows } = await queryable.query(
    `INSERT INTO stripe_session (id, token_hash, api_token_id, created_at, expires_at)
     SELECT $1, $2, $3, $4::bigint, $5::bigint
     WHERE (SELECT count(*) FROM stripe_session WHERE expires_at > $7::bigint) < $6::bigint RETURNING id`,
    [session.id, tokenHash, session.apiTokenId, session.createdAt, session.expiresAt, limit, now],
  );
  return rows.length === 1;
};

export const findSession = async (
  queryable: Queryable,
  tokenHash: string,
  now: number,
): Promise<Session | undefined> => {
  const { rows } = await queryable.query<Session>(
    `SELECT s.id, s.api_token_id AS "apiTokenId", s.created_at AS "createdAt", s.expires_at AS "expiresAt",
       coalesce(t.revoked_at IS NOT NULL OR t.expires_at <= $2::bigint, false) AS "isRevoked"
     FROM stripe_session s LEFT JOIN api_token t ON t.id = s.api_token_id WHERE s.token_hash = $1`,
    [tokenHash, now],
  );
  return rows[0];
};

export const deleteEndedSessions = async (queryable: Queryable, before: number): Promise<void> => {
  await queryable.query('DELETE FROM stripe_session WHERE expires_at < $1', [before]);
};
