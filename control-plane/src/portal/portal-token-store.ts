import type { Queryable } from '../storage';

/** A token that reads one subject's usage. Times are epoch milliseconds; the token's text is not kept. */
export interface PortalToken {
  id: string;
  subject: string;
  /** Null where every meter may be read. */
  meterSlugs: string[] | null;
  expiresAt: number;
  invalidatedAt: number | null;
  createdAt: number;
}

interface TokenRow {
  id: string;
  subject: string;
  meter_slugs: string[] | null;
  expires_at: number;
  invalidated_at: number | null;
  created_at: number;
}

const tokenOf = (row: TokenRow): PortalToken => ({
  id: row.id,
  subject: row.subject,
  meterSlugs: row.meter_slugs,
  expiresAt: row.expires_at,
  invalidatedAt: row.invalidated_at,
  createdAt: row.created_at,
});

/** The key that signs tokens, base64; the first caller's candidate becomes it for every replica. */
export const signingSecret = async (queryable: Queryable, candidate: string): Promise<string> => {
  await queryable.query('INSERT INTO portal_key (secret) VALUES ($1) ON CONFLICT DO NOTHING', [candidate]);
  const { rows } = await queryable.query<{ secret: string }>('SELECT secret FROM portal_key');
  return rows[0]!.secret;
};

export const insertPortalToken = async (queryable: Queryable, token: PortalToken): Promise<void> => {
  await queryable.query(
    `INSERT INTO portal_token (id, subject, meter_slugs, expires_at, created_at) VALUES ($1, $2, $3::jsonb, $4, $5)`,
    [
      token.id,
      token.subject,
      token.meterSlugs === null ? null : JSON.stringify(token.meterSlugs),
      token.expiresAt,
      token.createdAt,
    ],
  );
};

export const findPortalToken = async (queryable: Queryable, id: string): Promise<PortalToken | undefined> => {
  const { rows } = await queryable.query<TokenRow>('SELECT * FROM portal_token WHERE id = $1', [id]);
  return rows[0] && tokenOf(rows[0]);
};

/** The newest tokens that are not invalidated. */
export const listPortalTokens = async (queryable: Queryable, limit: number): Promise<PortalToken[]> => {
  const { rows } = await queryable.query<TokenRow>(
    'SELECT * FROM portal_token WHERE invalidated_at IS NULL ORDER BY created_at DESC, id DESC LIMIT $1::bigint',
    [limit],
  );
  return rows.map(tokenOf);
};

/** Invalidates the token with this id, or every token of a subject. */
export const invalidatePortalTokens = async (
  queryable: Queryable,
  { id, subject }: { id?: string | undefined; subject?: string | undefined },
  now: number,
): Promise<void> => {
  await queryable.query(
    `UPDATE portal_token SET invalidated_at = $3 WHERE invalidated_at IS NULL
       AND ($1::text IS NULL OR id = $1::text) AND ($2::text IS NULL OR subject = $2::text)`,
    [id ?? null, subject ?? null, now],
  );
};
