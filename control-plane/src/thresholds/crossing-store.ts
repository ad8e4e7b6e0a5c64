import type { Evaluation } from '../entitlements';
import { formatQuantity } from '../primitives/decimal';
import type { Transaction } from '../storage';
import { lineKey } from './crossings';
import type { ThresholdCrossed } from './facts';

/** The lines told in the present period and not armed again, by "<entitlement id> <rule id>". */
export const readToldLines = async (
  transaction: Transaction,
  evaluations: readonly Evaluation[],
): Promise<Map<string, Set<string>>> => {
  const told = new Map<string, Set<string>>();
  if (evaluations.length === 0) return told;
  const { arrays } = transaction;
  const { rows } = await transaction.query<{ entitlement_id: string; rule_id: string; line: string }>(
    `SELECT c.entitlement_id, c.rule_id, c.line
     FROM unnest($1::text[], $2::bigint[]) AS e (id, period_from)
     JOIN threshold_crossing c ON c.entitlement_id = e.id AND c.period_from = e.period_from AND c.rearmed_at IS NULL`,
    [
      arrays.text(evaluations.map(({ entitlement }) => entitlement.id)),
      arrays.bigint(evaluations.map(({ period }) => period.from)),
    ],
  );
  for (const row of rows) {
    const key = `${row.entitlement_id} ${row.rule_id}`;
    const lines = told.get(key) ?? new Set();
    told.set(key, lines.add(row.line));
  }
  return told;
};

/** Records crossings and returns the ids of those that were not recorded before. */
export const saveCrossings = async (
  transaction: Transaction,
  crossings: readonly ThresholdCrossed[],
): Promise<Set<string>> => {
  if (crossings.length === 0) return new Set();
  const { arrays } = transaction;
  const { rows } = await transaction.query<{ id: string }>(
    `INSERT INTO threshold_crossing (id, rule_id, entitlement_id, period_from, line, usage, exhausts_at, crossed_at)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::numeric[], $7::numeric[], $8::bigint[])
     ON CONFLICT DO NOTHING RETURNING id`,
    [
      arrays.text(crossings.map(({ id }) => id)),
      arrays.text(crossings.map(({ ruleId }) => ruleId)),
      arrays.text(crossings.map(({ evaluation }) => evaluation.entitlement.id)),
      arrays.bigint(crossings.map(({ evaluation }) => evaluation.period.from)),
      arrays.text(crossings.map(({ line }) => lineKey(line))),
      arrays.numeric(crossings.map(({ evaluation }) => formatQuantity(evaluation.standing.usage))),
      arrays.numeric(crossings.map(({ evaluation }) => formatQuantity(evaluation.standing.exhaustsAtUsage))),
      arrays.bigint(crossings.map(({ crossedAt }) => crossedAt)),
    ],
  );
  return new Set(rows.map((row) => row.id));
};

/** Arms lines again: their next crossing in the same period is told. */
export const rearmLines = async (
  transaction: Transaction,
  lines: readonly { evaluation: Evaluation; ruleId: string; line: string }[],
  now: number,
): Promise<void> => {
  if (lines.length === 0) return;
  const { arrays } = transaction;
  await transaction.query(
    `UPDATE threshold_crossing c SET rearmed_at = $5::bigint
     FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) AS l (entitlement_id, period_from, rule_id, line)
     WHERE c.entitlement_id = l.entitlement_id AND c.period_from = l.period_from AND c.rule_id = l.rule_id
       AND c.line = l.line AND c.rearmed_at IS NULL`,
    [
      arrays.text(lines.map(({ evaluation }) => evaluation.entitlement.id)),
      arrays.bigint(lines.map(({ evaluation }) => evaluation.period.from)),
      arrays.text(lines.map(({ ruleId }) => ruleId)),
      arrays.text(lines.map(({ line }) => line)),
      now,
    ],
  );
};
