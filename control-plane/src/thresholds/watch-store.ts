import { formatQuantity, toQuantity } from '../primitives/decimal';
import { cachedByVersion, type Queryable, type Transaction } from '../storage';
import type { ThresholdLine, ThresholdType } from './crossings';

/** The lines that one rule draws across the entitlements of some features, or of all. */
export interface ThresholdWatch {
  ruleId: string;
  /** Ids or keys; null for every feature. */
  features: readonly string[] | null;
  lines: readonly ThresholdLine[];
}

interface WatchRow {
  rule_id: string;
  features: string[] | null;
  lines: { type: ThresholdType; value: string }[];
}

/** The watches in force, loaded once a version of the definitions. */
export const createWatchRegistry = () =>
  cachedByVersion(async (queryable: Queryable): Promise<readonly ThresholdWatch[]> => {
    const { rows } = await queryable.query<WatchRow>('SELECT * FROM threshold_watch ORDER BY rule_id');
    return rows.map((row) => ({
      ruleId: row.rule_id,
      features: row.features,
      lines: row.lines.map(({ type, value }) => ({ type, value: toQuantity(value) })),
    }));
  });

export type WatchRegistry = ReturnType<typeof createWatchRegistry>;

/** Writes a watch. The caller has raised the definitions' version in this transaction (changeDefinitions). */
export const saveWatch = async (transaction: Transaction, watch: ThresholdWatch): Promise<void> => {
  await transaction.query(
    `INSERT INTO threshold_watch (rule_id, features, lines) VALUES ($1, $2::jsonb, $3::jsonb)
     ON CONFLICT (rule_id) DO UPDATE SET features = excluded.features, lines = excluded.lines`,
    [
      watch.ruleId,
      watch.features === null ? null : JSON.stringify(watch.features),
      JSON.stringify(watch.lines.map(({ type, value }) => ({ type, value: formatQuantity(value) }))),
    ],
  );
};

/** Removes a watch, under the same condition as {@link saveWatch}. */
export const removeWatch = async (transaction: Transaction, ruleId: string): Promise<void> => {
  await transaction.query('DELETE FROM threshold_watch WHERE rule_id = $1', [ruleId]);
};
