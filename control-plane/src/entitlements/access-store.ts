import { type Database, type Queryable, readConsistently } from '../storage';
import { evaluateReadOnly } from './evaluate';

/** What one customer has access to. Times are epoch milliseconds. */
export interface CustomerAccess {
  /** The names it was asked for by: its id, its key or one of its subjects, in the order of the question. */
  matched: string[];
  customerId: string;
  /** Whether it has access, by feature key; features without an entitlement that is active are missing. */
  features: Map<string, boolean>;
}

export interface AccessAnswer {
  customers: CustomerAccess[];
  /** Of the features asked for by key, those that there are. */
  knownFeatures: ReadonlySet<string>;
}

interface AccessRow {
  customer_id: string;
  names: string[];
  /** Access by feature key, or the id of an entitlement whose standing is due. */
  access: Record<string, boolean | string> | null;
  known: string[] | null;
}

/**
 * Standings hold the access already, so it is read, not computed: a customer's rows are neighbours in one index. $1 names,
 * $2 feature keys or null, $3 now.
 */
const accessStatement = `WITH wanted AS (
    SELECT name, position FROM unnest($1::text[]) WITH ORDINALITY AS w (name, position)
  ), resolved AS (
    SELECT c.id, array_agg(w.name ORDER BY w.position) AS names, min(w.position) AS position
    FROM wanted w CROSS JOIN LATERAL (
      SELECT id FROM customer WHERE id = w.name AND deleted_at IS NULL
      UNION SELECT customer_id FROM customer_subject WHERE subject = w.name) c
    GROUP BY c.id
  )
  SELECT r.id AS customer_id, r.names, a.access,
    (SELECT array_agg(key) FROM feature WHERE key = ANY ($2::text[]) AND archived_at IS NULL) AS known
  FROM resolved r LEFT JOIN LATERAL (
    SELECT json_object_agg(u.feature_key,
      CASE WHEN u.valid_until <= $3::bigint OR u.is_stale THEN to_json(u.entitlement_id) ELSE to_json(u.has_access) END) AS access
    FROM entitlement_standing u
    WHERE u.customer_id = r.id AND u.active_from <= $3::bigint
      AND ($2::text[] IS NULL OR u.feature_key = ANY ($2::text[]))) a ON true
  ORDER BY r.position`;

/**
 * What customers have access to, for all of them with one statement; a standing that is due just now (the scheduler is
 * about to settle it) is evaluated without writing.
 *
 * @param names ids, keys or subjects of customers
 * @param features feature keys; all that each customer is entitled to when undefined
 */
export const queryAccess = async (
  database: Database,
  names: readonly string[],
  features: readonly string[] | undefined,
  now: number,
): Promise<AccessAnswer> => {
  const rows = await readAccess(database, names, features, now);
  const due = rows.flatMap((row) =>
    Object.values(row.access ?? {}).filter((entry): entry is string => typeof entry === 'string'),
  );
  const evaluations =
    due.length > 0
      ? await readConsistently(database, (queryable) => evaluateReadOnly(queryable, due, now))
      : [];
  const evaluated = new Map(evaluations.map(({ entitlement, hasAccess }) => [entitlement.id, hasAccess]));
  return {
    customers: rows.map((row) => ({
      matched: row.names,
      customerId: row.customer_id,
      features: new Map(
        Object.entries(row.access ?? {}).map(([key, entry]) => [
          key,
          typeof entry === 'string' ? (evaluated.get(entry) ?? false) : entry,
        ]),
      ),
    })),
    knownFeatures: new Set(rows[0]?.known ?? []),
  };
};

const readAccess = async (
  queryable: Queryable,
  names: readonly string[],
  features: readonly string[] | undefined,
  now: number,
): Promise<AccessRow[]> => {
  const { arrays } = queryable;
  const { rows } = await queryable.query<AccessRow>(accessStatement, [
    arrays.text([...new Set(names)]),
    features === undefined ? null : arrays.text([...new Set(features)]),
    now,
  ]);
  return rows;
};
