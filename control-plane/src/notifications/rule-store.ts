import type { Queryable, Transaction } from '../storage';
import { type Page, type PageRequest, pageClause, pageValues } from './page';
import type { Rule, RuleFeature } from './rule';

const columns = `id, type, name, is_disabled AS "isDisabled", thresholds, features, metadata, created_at AS "createdAt",
  updated_at AS "updatedAt", deleted_at AS "deletedAt",
  (SELECT coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'type', c.type) ORDER BY rc.position), '[]')
   FROM notification_rule_channel rc JOIN notification_channel c ON c.id = rc.channel_id
   WHERE rc.rule_id = notification_rule.id) AS channels`;

/** Inserts a rule with its channels, or replaces the one with its id. */
export const saveRule = async (transaction: Transaction, rule: Rule): Promise<void> => {
  await transaction.query(
    `INSERT INTO notification_rule
       (id, type, name, is_disabled, thresholds, features, metadata, created_at, updated_at, deleted_at)
     VALUES ($1, $2, $3, $4, $5::jsonb, $6::jsonb, $7::jsonb, $8, $9, $10)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, is_disabled = excluded.is_disabled,
       thresholds = excluded.thresholds, features = excluded.features, metadata = excluded.metadata,
       updated_at = excluded.updated_at, deleted_at = excluded.deleted_at`,
    [
      rule.id,
      rule.type,
      rule.name,
      rule.isDisabled,
      rule.thresholds && JSON.stringify(rule.thresholds),
      rule.features && JSON.stringify(rule.features),
      JSON.stringify(rule.metadata),
      rule.createdAt,
      rule.updatedAt,
      rule.deletedAt,
    ],
  );
  const { arrays } = transaction;
  await transaction.query('DELETE FROM notification_rule_channel WHERE rule_id = $1', [rule.id]);
  await transaction.query(
    `INSERT INTO notification_rule_channel (rule_id, channel_id, position)
     SELECT $1, c.id, c.position FROM unnest($2::text[], $3::bigint[]) AS c (id, position)`,
    [
      rule.id,
      arrays.text(rule.channels.map(({ id }) => id)),
      arrays.bigint(rule.channels.map((_, position) => position)),
    ],
  );
};

/** Deleted rules too. */
export const findRules = async (queryable: Queryable, ids: readonly string[]): Promise<Rule[]> => {
  const { rows } = await queryable.query<Rule>(
    `SELECT ${columns} FROM notification_rule WHERE id = ANY ($1::text[])`,
    [queryable.arrays.text(ids)],
  );
  return rows;
};

/** The rules in force among `ids` and among those of `types`; their channels only as far as they take deliveries. */
export const rulesInForce = async (
  queryable: Queryable,
  ids: readonly string[],
  types: readonly string[],
): Promise<Rule[]> => {
  const { rows } = await queryable.query<Rule>(
    `SELECT ${columns.replace('WHERE rc', 'WHERE NOT c.is_disabled AND c.deleted_at IS NULL AND rc')}
     FROM notification_rule
     WHERE deleted_at IS NULL AND NOT is_disabled AND (id = ANY ($1::text[]) OR type = ANY ($2::text[]))
     ORDER BY id`,
    [queryable.arrays.text(ids), queryable.arrays.text(types)],
  );
  return rows;
};

/** The features in force that ids or keys mean. */
export const resolveFeatures = async (
  queryable: Queryable,
  references: readonly string[],
): Promise<RuleFeature[]> => {
  const { rows } = await queryable.query<RuleFeature>(
    `SELECT r.reference, f.id, f.key FROM unnest($1::text[]) WITH ORDINALITY AS r (reference, position)
     JOIN feature f ON (f.id = r.reference OR f.key = r.reference) AND f.archived_at IS NULL
     ORDER BY r.position`,
    [queryable.arrays.text(references)],
  );
  return rows;
};

/** The ids of the rules, not deleted, that send over a channel. */
export const ruleIdsOfChannel = async (queryable: Queryable, channelId: string): Promise<string[]> => {
  const { rows } = await queryable.query<{ id: string }>(
    `SELECT r.id FROM notification_rule r JOIN notification_rule_channel c ON c.rule_id = r.id
     WHERE c.channel_id = $1 AND r.deleted_at IS NULL ORDER BY r.id`,
    [channelId],
  );
  return rows.map((row) => row.id);
};

export type RuleOrder = 'id' | 'type' | 'createdAt' | 'updatedAt';

const orderColumns = { id: 'id', type: 'type', createdAt: 'created_at', updatedAt: 'updated_at' } as const;

export interface RuleListRequest extends PageRequest<RuleOrder> {
  includeDisabled: boolean;
  includeDeleted: boolean;
  /** Ids or keys; undefined for all. */
  features: readonly string[] | undefined;
  /** Ids; undefined for all. */
  channels: readonly string[] | undefined;
}

export const listRules = async (queryable: Queryable, request: RuleListRequest): Promise<Page<Rule>> => {
  const filter = `WHERE ($1 OR NOT is_disabled) AND ($2 OR deleted_at IS NULL)
    AND ($3 OR EXISTS (SELECT 1 FROM jsonb_array_elements(features) f
      WHERE f ->> 'id' = ANY ($4::text[]) OR f ->> 'key' = ANY ($4::text[])))
    AND ($5 OR EXISTS (SELECT 1 FROM notification_rule_channel rc
      WHERE rc.rule_id = notification_rule.id AND rc.channel_id = ANY ($6::text[])))`;
  const { arrays } = queryable;
  const values = [
    request.includeDisabled,
    request.includeDeleted,
    request.features === undefined,
    arrays.text(request.features ?? []),
    request.channels === undefined,
    arrays.text(request.channels ?? []),
  ];
  const { rows } = await queryable.query<Rule>(
    `SELECT ${columns} FROM notification_rule ${filter} ${pageClause(request, orderColumns, 7)}`,
    [...values, ...pageValues(request)],
  );
  const total = await queryable.query<{ n: number }>(
    `SELECT count(*) AS n FROM notification_rule ${filter}`,
    values,
  );
  return { items: rows, totalCount: total.rows[0]!.n };
};
