import type { Queryable } from '../storage';

/** What is kept of a request with an Idempotency-Key; the status is null while it is under way. */
export interface KeptRequest {
  fingerprint: string;
  status: number | null;
  answer: string | null;
}

/**
 * Claims a key; undefined when that succeeded, otherwise what it stands for. Claims that led to nothing are free again
 * after `abandonedBefore`, answers after `forgottenBefore` (epoch milliseconds).
 */
export const claimKey = async (
  queryable: Queryable,
  keyHash: string,
  fingerprint: string,
  now: number,
  { abandonedBefore, forgottenBefore }: { abandonedBefore: number; forgottenBefore: number },
): Promise<KeptRequest | undefined> => {
  const claimed = await queryable.query(
    `INSERT INTO stripe_idempotency AS i (key_hash, fingerprint, created_at) VALUES ($1, $2, $3)
     ON CONFLICT (key_hash) DO UPDATE SET fingerprint = excluded.fingerprint, created_at = excluded.created_at,
       status = NULL, answer = NULL
     WHERE i.created_at < $5::bigint OR (i.status IS NULL AND i.created_at < $4::bigint AND i.fingerprint = excluded.fingerprint)
     RETURNING 1 AS claimed`,
    [keyHash, fingerprint, now, abandonedBefore, forgottenBefore],
  );
  if (claimed.rows.length > 0) return undefined;
  const { rows } = await queryable.query<KeptRequest>(
    'SELECT fingerprint, status, answer FROM stripe_idempotency WHERE key_hash = $1',
    [keyHash],
  );
  // Given up between the two statements: it is under way no more, and the caller comes again.
  return rows[0] ?? { fingerprint, status: null, answer: null };
};

export const keepAnswer = async (
  queryable: Queryable,
  keyHash: string,
  status: number,
  answer: string,
): Promise<void> => {
  await queryable.query('UPDATE stripe_idempotency SET status = $2, answer = $3 WHERE key_hash = $1', [
    keyHash,
    status,
    answer,
  ]);
};

export const releaseKey = async (queryable: Queryable, keyHash: string): Promise<void> => {
  await queryable.query('DELETE FROM stripe_idempotency WHERE key_hash = $1 AND status IS NULL', [keyHash]);
};

export const forgetAnswers = async (queryable: Queryable, before: number): Promise<void> => {
  await queryable.query('DELETE FROM stripe_idempotency WHERE created_at < $1', [before]);
};
