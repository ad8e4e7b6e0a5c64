import type { Queryable } from '../storage';
import { storedWeeks, tableOf, weekOf } from './week-store';

/**
 * The context attributes that a stored event has beside the usual ones, as JSON text: null for none, undefined when no such
 * event is there.
 * @param receivedFrom epoch milliseconds; events received before need not be found
 */
export const readEventAttributes = async (
  queryable: Queryable,
  { id, source }: { id: string; source: string },
  receivedFrom: number,
): Promise<string | null | undefined> => {
  const weeks = (await storedWeeks(queryable)).filter((week) => week >= weekOf(receivedFrom));
  for (const week of weeks.reverse()) {
    const { rows } = await queryable.query<{ attributes: string | null }>(
      `SELECT attributes FROM ${tableOf(week)} WHERE id = $1 AND source = $2`,
      [id, source],
    );
    if (rows[0]) return rows[0].attributes;
  }
  return undefined;
};
