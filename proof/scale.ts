/**
 * How the cost of counting grows: `npm run scale [-- --quick] [--only=meters]`. Replicas on one PostgreSQL, events stored already, customers
 * and meters are varied one at a time under the same load, batches of 100. It prints a table with what limits each row, what
 * 10^9 events a day would need by these figures, and, unless --quick, draws docs/scale.svg. PostgreSQL is its own; loopback
 * only. At most fifteen minutes, three with --quick; --only=meters takes those rows alone and draws nothing.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { defineMetering } from '../benchmarks/support/definitions';
import { describeMachine } from '../benchmarks/support/machine';
import { loadMonth } from '../benchmarks/support/month-of-events';
import { type BenchPostgres, startPostgres } from '../benchmarks/support/postgres-server';
import {
  benchToken,
  type MeasuredLoad,
  runLoad,
  type Service,
  startControlPlane,
} from '../benchmarks/support/service-process';
import { temporaryDirectory } from '../benchmarks/support/temporary-directory';
import type { Database } from '../control-plane/src/storage';
import { migrate } from '../control-plane/src/storage/migrate';
import { openNodePostgres } from '../control-plane/src/storage/postgres/node-postgres';
import { sizeForABillionADay } from './scale/a-billion-a-day';
import { defineScale, type ScaleDefinitions } from './scale/define-scale';
import { drawPlot } from './scale/draw-plot';
import { rowOf, type ScaleRow } from './scale/scale-row';

const isQuick = process.argv.includes('--quick');
const isMetersOnly = process.argv.includes('--only=meters');
const seconds = isQuick ? 4 : 12;
const warmUpSeconds = isQuick ? 2 : 4;
const connections = 16;
const cores = cpus().length;
const plan = {
  replicas: [1, 2, 3],
  stored: isQuick ? [1e5, 1e6] : [1e5, 1e6, 1e7],
  customers: isQuick ? [1e2, 1e4] : [1e2, 1e3, 1e4, 1e5],
  meters: isQuick ? [1, 10] : [1, 10, 100],
};

const { directory, remove } = temporaryDirectory();
const rows: ScaleRow[] = [];

const keep = (row: ScaleRow): void => {
  rows.push(row);
  console.log(
    `${row.dimension} ${row.value}: ${row.eventsPerSecond} events/s, server ${row.serverMicros} us, PostgreSQL ${row.postgresMicros} us an event; ${row.limit}`,
  );
};

/** A database of its own for one row, prepared, and gone afterwards. */
const withDatabase = async (
  postgres: BenchPostgres,
  prepare: (database: Database) => Promise<void>,
  measure: (url: string, database: Database) => Promise<void>,
): Promise<void> => {
  const url = await postgres.createDatabase('tollgate_scale');
  const database = openNodePostgres({ connectionString: url, maximumConnections: 2 });
  try {
    await migrate(database);
    await prepare(database);
    await database.script('VACUUM ANALYZE');
    await database.script('CHECKPOINT');
    await measure(url, database);
  } finally {
    await database.close();
    await postgres.dropDatabase('tollgate_scale');
  }
};

/** The load shared out over replicas that were started for it. */
const loadReplicas = async (
  postgres: BenchPostgres,
  url: string,
  replicas: number,
  subjects: number,
  rowSeconds = seconds,
): Promise<MeasuredLoad[]> => {
  const services = await Promise.all(
    Array.from({ length: replicas }, () => startControlPlane(directory, url)),
  );
  try {
    return await Promise.all(
      services.map((service) => load(postgres, service, connections / replicas, subjects, rowSeconds)),
    );
  } finally {
    for (const service of services) await service.stop();
  }
};

const load = (
  postgres: BenchPostgres,
  service: Service,
  connectionsEach: number,
  subjects: number,
  rowSeconds: number,
): Promise<MeasuredLoad> =>
  runLoad(
    service,
    {
      connections: Math.max(1, Math.round(connectionsEach)),
      batch: 100,
      seconds: rowSeconds,
      warmUpSeconds,
      subjects,
    },
    postgres.pid,
  );

/** Where each event counts a hundred times, a batch takes seconds: more of them must fall into the time measured. */
const secondsOf = ({ meters }: ScaleDefinitions): number => (meters < 100 ? seconds : 4 * seconds);

const measureReplicas = async (postgres: BenchPostgres): Promise<void> => {
  for (const replicas of plan.replicas) {
    await withDatabase(postgres, defineMetering, async (url) => {
      keep(rowOf('replicas', replicas, await loadReplicas(postgres, url, replicas, 1_000), cores));
    });
  }
};

const measureDefinitions = async (
  postgres: BenchPostgres,
  dimension: string,
  value: number,
  definitions: ScaleDefinitions,
): Promise<void> => {
  await withDatabase(
    postgres,
    (database) => defineScale(database, definitions),
    async (url) => {
      keep(
        rowOf(
          dimension,
          value,
          await loadReplicas(postgres, url, 1, definitions.customers, secondsOf(definitions)),
          cores,
        ),
      );
    },
  );
};

/** The median of some requests for the usage of one subject, and of all, over the month that is stored. */
const queryMs = async (service: Service, parameters: Record<string, string>): Promise<number> => {
  const times: number[] = [];
  for (let turn = 0; turn < 15; turn += 1) {
    const begun = performance.now();
    const response = await fetch(
      `http://127.0.0.1:${service.port}/api/v1/meters/requests/query?${new URLSearchParams(parameters)}`,
      { headers: { authorization: `Bearer ${benchToken}` } },
    );
    if (!response.ok) throw new Error(`the query answered ${response.status}: ${await response.text()}`);
    await response.arrayBuffer();
    times.push(performance.now() - begun);
  }
  return Number(times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!.toFixed(1));
};

const measureStored = async (postgres: BenchPostgres): Promise<void> => {
  for (const stored of plan.stored) {
    let span: Record<string, string> = {};
    await withDatabase(
      postgres,
      async (database) => {
        await defineMetering(database);
        const month = await loadMonth(database, stored, Date.now());
        const iso = (time: number) => new Date(Math.floor(time / 3_600_000) * 3_600_000).toISOString();
        span = { from: iso(month.from), to: iso(month.to) };
      },
      async (url, database) => {
        const size = await database.query<{ bytes: number }>(
          'SELECT pg_database_size(current_database()) AS bytes',
        );
        const service = await startControlPlane(directory, url);
        try {
          await service.logged('ended weeks are filtered');
          const more = {
            "one subject's month by hour, ms": await queryMs(service, {
              ...span,
              windowSize: 'HOUR',
              subject: 'subject-0007',
            }),
            'all subjects by day, ms': await queryMs(service, { ...span, windowSize: 'DAY' }),
            'bytes/event': Math.round(size.rows[0]!.bytes / stored),
          };
          const measured = await load(postgres, service, connections, 1_000, seconds);
          keep({ ...rowOf('events stored', stored, [measured], cores), more });
        } finally {
          await service.stop();
        }
      },
    );
  }
};

const main = async (): Promise<void> => {
  const begun = performance.now();
  const machine = describeMachine();
  const postgres = await startPostgres(directory);
  try {
    if (!isMetersOnly) {
      await measureReplicas(postgres);
      await measureStored(postgres);
      for (const customers of plan.customers) {
        await measureDefinitions(postgres, 'customers', customers, { customers, meters: 1 });
      }
    }
    for (const meters of plan.meters) {
      await measureDefinitions(postgres, 'meters', meters, { customers: 1_000, meters });
    }
    console.table(rows.map(({ more, ...row }) => ({ ...row, ...more })));
    // A deployment of that size has few meters and many customers; rows of 100 meters are not its own.
    const sizing = isMetersOnly
      ? undefined
      : sizeForABillionADay(rows.filter(({ dimension }) => dimension !== 'meters'));
    if (sizing) console.table({ '10^9 events a day': sizing });
    const minutes = Number(((performance.now() - begun) / 60_000).toFixed(1));
    const caption = `${machine.processor}, ${machine.cores} cores, load generator included; load average ${machine.loadAverage[0]} at the start. Numbers above the bars are events a second.`;
    if (!isQuick && !isMetersOnly)
      writeFileSync(join(__dirname, '../docs/scale.svg'), drawPlot(rows, caption));
    console.log(
      JSON.stringify({ proof: 'scale', machine, postgres: postgres.description, minutes, rows, sizing }),
    );
  } finally {
    await postgres.stop();
  }
};

main()
  .catch((error: Error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  })
  .finally(remove);
