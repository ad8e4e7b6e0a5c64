import { type Database, excludeEventWriters, type Queryable, type Transaction } from '../storage';

export const weekMs = 604_800_000;

/** The storage week of a time of receipt, epoch milliseconds. */
export const weekOf = (receivedAt: number): number => Math.floor(receivedAt / weekMs);
export const tableOf = (week: number): string => `event_${week}`;

/**
 * Opens a storage week. It waits until the batches under way have ended, and those that follow go into the new week: so no
 * two batches ever write different weeks at the same time, where neither could see the other's duplicates, and a week that
 * is not the newest takes no more events.
 */
export const openWeek = (database: Database, week: number, now: number): Promise<void> =>
  database.transaction(async (transaction) => {
    await excludeEventWriters(transaction);
    await createWeek(transaction, week, now);
  });

/** Makes the table of a week, where it is not there yet. */
export const createWeek = async (transaction: Transaction, week: number, now: number): Promise<void> => {
  const table = tableOf(week);
  await transaction.query(`CREATE TABLE IF NOT EXISTS ${table} (
    seq bigint NOT NULL,
    received_at bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    time bigint NOT NULL,
    data text,
    attributes text,
    canceled_at bigint,
    CONSTRAINT ${table}_identity UNIQUE (id, source)
  )`);
  await transaction.query(`CREATE INDEX IF NOT EXISTS ${table}_time ON ${table} (time, seq)`);
  await transaction.query(
    'INSERT INTO event_week (week, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING',
    [week, now],
  );
};

/** The storage weeks there are, oldest first. */
export const storedWeeks = async (queryable: Queryable): Promise<number[]> => {
  const { rows } = await queryable.query<{ week: number }>('SELECT week FROM event_week ORDER BY week');
  return rows.map((row) => row.week);
};

/** How many events a week holds. */
export const weekSize = async (queryable: Queryable, week: number): Promise<number> => {
  const { rows } = await queryable.query<{ size: number }>(`SELECT count(*) AS size FROM ${tableOf(week)}`);
  return rows[0]!.size;
};

export interface EventIdentity {
  id: string;
  source: string;
}

/** The identities of a week's events in their order, a page at a time, beginning after `last`. */
export const identitiesAfter = async (
  queryable: Queryable,
  week: number,
  last: EventIdentity | undefined,
  limit: number,
): Promise<EventIdentity[]> => {
  const { rows } = await queryable.query<EventIdentity>(
    `SELECT id, source FROM ${tableOf(week)}
     WHERE (id, source) > ($1, $2) ORDER BY id, source LIMIT $3`,
    // No identity is empty.
    [last?.id ?? '', last?.source ?? '', limit],
  );
  return rows;
};

/** How long the building of an index may take before another replica tries. */
const claimMs = 3_600_000;

export const databaseNow = async (database: Database): Promise<number> => {
  const { rows } = await database.query<{ now: number }>(
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now',
  );
  return rows[0]!.now;
};

/** Takes the weeks that ended before `before` off the list, so that nobody reads them any more, and returns them. */
export const retireWeeks = (database: Database, before: number, now: number): Promise<number[]> =>
  database.transaction(async (transaction) => {
    const { rows } = await transaction.query<{ week: number }>(
      'DELETE FROM event_week WHERE week < $1::integer RETURNING week',
      [weekOf(before)],
    );
    const weeks = rows.map((row) => row.week).sort((a, b) => a - b);
    for (const week of weeks) {
      await transaction.query(
        'INSERT INTO dropped_event_week (week, dropped_at) VALUES ($1, $2) ON CONFLICT DO NOTHING',
        [week, now],
      );
    }
    return weeks;
  });

/** Drops the tables of weeks that were taken off the list before `before`, one a transaction. */
export const dropRetiredTables = async (database: Database, before: number, now: number): Promise<number> => {
  let dropped = 0;
  while (await database.transaction((transaction) => dropOne(transaction, before, now))) dropped += 1;
  return dropped;
};

const dropOne = async (transaction: Transaction, before: number, now: number): Promise<boolean> => {
  const { rows } = await transaction.query<{ week: number }>(
    `SELECT week FROM dropped_event_week WHERE table_dropped_at IS NULL AND dropped_at <= $1
     ORDER BY week LIMIT 1 FOR UPDATE SKIP LOCKED`,
    [before],
  );
  const week = rows[0]?.week;
  if (week === undefined) return false;
  // A forgotten reader must not make everybody wait behind the drop; the next round tries again.
  await transaction.query(`SET LOCAL lock_timeout = '2s'`);
  await transaction.query(`DROP TABLE IF EXISTS event_${week}`);
  await transaction.query('UPDATE dropped_event_week SET table_dropped_at = $2 WHERE week = $1', [week, now]);
  return true;
};

/**
 * Gives the weeks that are over an index by subject, which would cost ingest too much on the week that is being written.
 * It is built without locking readers out; one that a crash left unfinished is built again.
 */
export const indexClosedWeeks = async (database: Database, now: number): Promise<void> => {
  const { rows } = await database.query<{ week: number }>(
    `UPDATE event_week SET index_claimed_until = $1::bigint + ${claimMs}
     WHERE indexed_at IS NULL AND index_claimed_until < $1::bigint AND (week + 1) * ${weekMs}::bigint < $1::bigint
     RETURNING week`,
    [now],
  );
  // A server builds it beside readers; the embedded database has one connection and nobody to keep waiting.
  const how = database.kind === 'postgres' ? 'CONCURRENTLY' : '';
  for (const { week } of rows) {
    await database.query(`DROP INDEX ${how} IF EXISTS event_${week}_subject`);
    await database.query(`CREATE INDEX ${how} event_${week}_subject ON event_${week} (subject, time, seq)`);
    await database.query('UPDATE event_week SET indexed_at = $2 WHERE week = $1', [week, now]);
  }
};
