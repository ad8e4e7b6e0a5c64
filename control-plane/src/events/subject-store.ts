import type { Queryable, Transaction } from '../storage';

/** What is known about an event subject besides its key; times are epoch milliseconds. */
export interface Subject {
  id: string;
  key: string;
  displayName: string | null;
  metadata: Record<string, unknown>;
  stripeCustomerId: string | null;
  createdAt: number;
  updatedAt: number;
}

/** A subject to write; a field that is undefined keeps what is stored. */
export interface SubjectDraft {
  key: string;
  displayName?: string | null | undefined;
  metadata?: Record<string, unknown> | null | undefined;
  stripeCustomerId?: string | null | undefined;
}

interface SubjectRow {
  id: string;
  key: string;
  display_name: string | null;
  metadata: Record<string, unknown>;
  stripe_customer_id: string | null;
  created_at: number;
  updated_at: number;
}

const subjectOf = (row: SubjectRow): Subject => ({
  id: row.id,
  key: row.key,
  displayName: row.display_name,
  metadata: row.metadata,
  stripeCustomerId: row.stripe_customer_id,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

/** Creates subjects or changes those whose key is known, in the order of their keys; the result follows the drafts. */
export const upsertSubjects = async (
  transaction: Transaction,
  drafts: readonly SubjectDraft[],
  newId: () => string,
  now: number,
): Promise<Subject[]> => {
  const byKey = new Map<string, Subject>();
  const ordered = [...drafts].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  for (const draft of ordered) {
    const { rows } = await transaction.query<SubjectRow>(
      `INSERT INTO subject AS s (id, key, display_name, metadata, stripe_customer_id, created_at, updated_at)
       VALUES ($1, $2, $3, coalesce($4::jsonb, '{}'), $5, $6, $6)
       ON CONFLICT (key) DO UPDATE SET
         display_name = CASE WHEN $7 THEN excluded.display_name ELSE s.display_name END,
         metadata = CASE WHEN $8 THEN excluded.metadata ELSE s.metadata END,
         stripe_customer_id = CASE WHEN $9 THEN excluded.stripe_customer_id ELSE s.stripe_customer_id END,
         updated_at = excluded.updated_at
       RETURNING *`,
      [
        newId(),
        draft.key,
        draft.displayName ?? null,
        draft.metadata ? JSON.stringify(draft.metadata) : null,
        draft.stripeCustomerId ?? null,
        now,
        draft.displayName !== undefined,
        draft.metadata !== undefined,
        draft.stripeCustomerId !== undefined,
      ],
    );
    byKey.set(draft.key, subjectOf(rows[0]!));
  }
  return drafts.map((draft) => byKey.get(draft.key)!);
};

/** Subjects listed at once at most; OpenMeter's list knows no pages. */
const listLimit = 10_000;

export const listSubjects = async (queryable: Queryable): Promise<Subject[]> => {
  const { rows } = await queryable.query<SubjectRow>(`SELECT * FROM subject ORDER BY key LIMIT ${listLimit}`);
  return rows.map(subjectOf);
};

/** A subject by its id or key; an id wins. */
export const findSubject = async (queryable: Queryable, idOrKey: string): Promise<Subject | undefined> => {
  const { rows } = await queryable.query<SubjectRow>(
    'SELECT * FROM subject WHERE id = $1 OR key = $1 ORDER BY id = $1 DESC LIMIT 1',
    [idOrKey],
  );
  return rows[0] && subjectOf(rows[0]);
};

/** Forgets what is known about a subject; its events and usage stay. */
export const deleteSubject = async (queryable: Queryable, id: string): Promise<void> => {
  await queryable.query('DELETE FROM subject WHERE id = $1', [id]);
};
