import type { Queryable } from '../storage';
import type { ApiToken, Scope } from './api-token';

interface TokenRow {
  id: string;
  name: string;
  scopes: Scope[];
  created_by: string;
  created_at: number;
  expires_at: number | null;
  last_used_at: number | null;
  revoked_at: number | null;
}

const columns = 'id, name, scopes, created_by, created_at, expires_at, last_used_at, revoked_at';

const tokenOf = (row: TokenRow): ApiToken => ({
  id: row.id,
  name: row.name,
  scopes: row.scopes,
  createdBy: row.created_by,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  lastUsedAt: row.last_used_at,
  revokedAt: row.revoked_at,
});

/** @param hash SHA-256 of the token, lower-case hexadecimal */
export const insertToken = async (queryable: Queryable, token: ApiToken, hash: string): Promise<void> => {
  await queryable.query(
    `INSERT INTO api_token (id, name, hash, scopes, created_by, created_at, expires_at)
     VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7)`,
    [
      token.id,
      token.name,
      hash,
      JSON.stringify(token.scopes),
      token.createdBy,
      token.createdAt,
      token.expiresAt,
    ],
  );
};

/** A page of tokens that are neither revoked nor expired at `now`, oldest first, after the id `after`. */
export const listTokens = async (
  queryable: Queryable,
  { now, after, limit }: { now: number; after: string; limit: number },
): Promise<ApiToken[]> => {
  const { rows } = await queryable.query<TokenRow>(
    `SELECT ${columns} FROM api_token
     WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1) AND id > $2
     ORDER BY id LIMIT $3`,
    [now, after, limit],
  );
  return rows.map(tokenOf);
};

export const countTokens = async (queryable: Queryable, now: number): Promise<number> => {
  const { rows } = await queryable.query<{ n: number }>(
    'SELECT count(*) AS n FROM api_token WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)',
    [now],
  );
  return rows[0]!.n;
};

/** @returns the token's hash, for caches to forget; undefined for one that is unknown or revoked already */
export const revokeToken = async (
  queryable: Queryable,
  id: string,
  now: number,
): Promise<string | undefined> => {
  const { rows } = await queryable.query<{ hash: string }>(
    'UPDATE api_token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING hash',
    [id, now],
  );
  return rows[0]?.hash;
};

export const findTokenByHash = async (
  queryable: Queryable,
  hash: string,
): Promise<{ hash: string; token: ApiToken } | undefined> => {
  const { rows } = await queryable.query<TokenRow & { hash: string }>(
    `SELECT ${columns}, hash FROM api_token WHERE hash = $1 AND revoked_at IS NULL`,
    [hash],
  );
  return rows[0] && { hash: rows[0].hash, token: tokenOf(rows[0]) };
};

/** Moves `last_used_at` forward, never back: replicas write in any order. */
export const recordUse = async (queryable: Queryable, usedAt: ReadonlyMap<string, number>): Promise<void> => {
  await queryable.query(
    `UPDATE api_token SET last_used_at = used.at
     FROM unnest($1::text[], $2::bigint[]) AS used(id, at)
     WHERE api_token.id = used.id AND coalesce(api_token.last_used_at, 0) < used.at`,
    [queryable.arrays.text([...usedAt.keys()]), queryable.arrays.bigint([...usedAt.values()])],
  );
};
