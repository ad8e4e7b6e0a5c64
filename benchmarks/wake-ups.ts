/**
 * What waking other replicas costs, by NOTIFY and by Redis: `npm run bench:wake-ups`. One transaction after another writes a
 * row; measured are the commits a second of eight connections without a wake-up, with pg_notify in the transaction, and with
 * PUBLISH after COMMIT, and the time from before the COMMIT until a listener hears it. PostgreSQL and Redis are its own.
 */
import { createClient } from 'redis';
import { openNodePostgres } from '../control-plane/src/storage/postgres/node-postgres';
import { startRedisServer } from '../control-plane/test/support/redis-server';
import { describeMachine } from './support/machine';
import { startPostgres } from './support/postgres-server';
import { temporaryDirectory } from './support/temporary-directory';

const writers = 8;
const seconds = process.argv.includes('--quick') ? 2 : 6;
const channel = 'wake_up';

type WakeUp = 'none' | 'notify' | 'redis';

const round = (value: number): number => Number(value.toFixed(2));
const at = (sorted: readonly number[], share: number): number =>
  round(sorted[Math.floor(sorted.length * share)] ?? 0);

const main = async (): Promise<void> => {
  const { directory, remove } = temporaryDirectory();
  const postgres = await startPostgres(directory);
  const server = await startRedisServer(directory);
  const database = openNodePostgres({
    connectionString: await postgres.createDatabase('tollgate_wake_ups'),
    maximumConnections: writers,
  });
  const publisher = createClient({ url: server.url });
  const subscriber = createClient({ url: server.url });
  try {
    await publisher.connect();
    await subscriber.connect();
    await database.script('CREATE TABLE item (writer integer PRIMARY KEY, value bigint NOT NULL)');
    await database.query('INSERT INTO item SELECT n, 0 FROM generate_series(1, $1::bigint) n', [writers]);
    let delays: number[] = [];
    const publishing: Promise<unknown>[] = [];
    const heard = (payload: string) => delays.push(performance.now() - Number(payload));
    const unlisten = await database.listen(channel, heard);
    await subscriber.subscribe(channel, heard);

    const commit = async (writer: number, kind: WakeUp): Promise<void> => {
      const begun = String(performance.now());
      await database.transaction(async (transaction) => {
        await transaction.query('UPDATE item SET value = value + 1 WHERE writer = $1::bigint', [writer]);
        if (kind === 'notify') await transaction.query('SELECT pg_notify($1, $2)', [channel, begun]);
        if (kind === 'redis')
          transaction.afterCommit(() => publishing.push(publisher.publish(channel, begun)));
      });
    };
    /** @param writing connections that commit at the same time */
    const measure = async (kind: WakeUp, writing: number) => {
      delays = [];
      let commits = 0;
      const end = performance.now() + seconds * 1_000;
      const drive = async (_: unknown, writer: number) => {
        for (; performance.now() < end; commits += 1) await commit(writer + 1, kind);
      };
      await Promise.all(Array.from({ length: writing }, drive));
      await Promise.all(publishing.splice(0));
      const sorted = delays.sort((a, b) => a - b);
      return {
        'commits/s': Math.round(commits / seconds),
        'p50 ms': at(sorted, 0.5),
        'p99 ms': at(sorted, 0.99),
      };
    };
    const table: Record<string, Awaited<ReturnType<typeof measure>>> = {};
    await measure('none', writers);
    for (const writing of [1, writers]) {
      for (const kind of ['none', 'notify', 'redis'] as const) {
        table[`${kind}, ${writing} writing`] = await measure(kind, writing);
      }
    }
    await unlisten();
    console.table(table);
    console.log(
      JSON.stringify({
        benchmark: 'wake-ups',
        machine: describeMachine(),
        postgres: postgres.description,
        table,
      }),
    );
  } finally {
    publisher.destroy();
    subscriber.destroy();
    await server.kill();
    await database.close();
    await postgres.stop();
    remove();
  }
};

main().then(
  () => process.exit(),
  (error: Error) => {
    console.error(error);
    process.exit(1);
  },
);
