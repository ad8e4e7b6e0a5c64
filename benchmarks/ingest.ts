/**
 * How fast events are counted, against the least possible (floor) and a naive service (baseline) in the same run:
 * `npm run bench:ingest [-- --quick] [-- --stripe]`: with --stripe our own batches beside Stripe's stream and meter events. Loopback only, stops by itself; takes about three minutes.
 */
import { join } from 'node:path';
import { migrate } from '../control-plane/src/storage/migrate';
import { openNodePostgres } from '../control-plane/src/storage/postgres/node-postgres';
import { openPglite } from '../control-plane/src/storage/postgres/pglite';
import { measureStripe } from './stripe/measure-stripe';
import type { StripeLoadResult } from './stripe/stripe-load';
import { defineMetering } from './support/definitions';
import { measureFloor } from './support/floor';
import { describeMachine } from './support/machine';
import { type BenchPostgres, startPostgres } from './support/postgres-server';
import {
  type MeasuredLoad,
  runLoad,
  type Service,
  startControlPlane,
  startNaiveService,
} from './support/service-process';
import { temporaryDirectory } from './support/temporary-directory';

const isStripe = process.argv.includes('--stripe');
const isQuick = process.argv.includes('--quick');
const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice(7);
const seconds = isQuick ? 5 : 15;
const warmUpSeconds = isQuick ? 2 : 4;
const batches = { connections: 16, batch: 100, seconds, warmUpSeconds };
const singles = { connections: 64, batch: 1, seconds, warmUpSeconds };

type Row = Record<string, number | string>;
const round = (value: number, digits = 0): number => Number(value.toFixed(digits));

const rowOf = (load: MeasuredLoad, service: Service): Row => ({
  'events/s': round(load.eventsPerSecond),
  'p50 ms': round(load.p50Ms, 1),
  'p99 ms': round(load.p99Ms, 1),
  'peak MiB': round(service.peakResidentBytes() / 2 ** 20),
  refused: load.refused,
  failed: load.failed,
  'server us/event': round(load.serverMicrosPerEvent, 1),
  'postgres us/event': load.postgresMicrosPerEvent === undefined ? '' : round(load.postgresMicrosPerEvent, 1),
  'load us/event': round(load.loadMicrosPerEvent, 1),
});

const stripeRowOf = (result: StripeLoadResult, own: number): Row => ({
  'events/s': round(result.eventsPerSecond),
  'of own batches': round(result.eventsPerSecond / own, 2),
  'requests/s': round(result.requestsPerSecond),
  'p50 ms': round(result.p50Ms, 1),
  'p99 ms': round(result.p99Ms, 1),
  failed: result.failed,
});

const { directory, remove } = temporaryDirectory();
const table: Record<string, Row> = {};

/** Measured before and after the batches, since the machine may change in between; their mean is what the ratios refer to. */
const floors: number[] = [];

const addFloor = async (url: string): Promise<void> => {
  floors.push(
    await measureFloor({ url, rowsPerStatement: 1_000, connections: 1, seconds: isQuick ? 3 : 10 }),
  );
};

const withRatios = (rows: Record<string, Row>): Record<string, Row> => {
  const floor = floors.reduce((sum, rate) => sum + rate, 0) / floors.length;
  const all: Record<string, Row> = { floor: { 'events/s': round(floor) }, ...rows };
  for (const [name, { 'events/s': rate, ...others }] of Object.entries(all))
    all[name] = { 'events/s': rate!, 'of floor': round(Number(rate) / floor, 2), ...others };
  return all;
};

const measureServer = async (postgres: BenchPostgres, floorUrl: string): Promise<void> => {
  const url = await postgres.createDatabase('tollgate_bench');
  const database = openNodePostgres({ connectionString: url });
  await migrate(database);
  await defineMetering(database);
  await database.close();
  const service = await startControlPlane(directory, url);
  if (only !== 'singles') {
    table['batches of 100'] = rowOf(await runLoad(service, batches, postgres.pid), service);
    await addFloor(floorUrl);
  }
  if (isStripe) {
    const own = Number(table['batches of 100']!['events/s']);
    const { stream, v1 } = await measureStripe(service, { seconds, warmUpSeconds });
    table['Stripe stream of 100'] = stripeRowOf(stream, own);
    table['Stripe v1 meter events'] = stripeRowOf(v1, own);
  } else if (only !== 'batches') {
    table['single events'] = rowOf(await runLoad(service, singles, postgres.pid), service);
  }
  await service.stop();
  await postgres.dropDatabase('tollgate_bench');
};

const measureNaive = async (postgres: BenchPostgres): Promise<void> => {
  const service = await startNaiveService(await postgres.createDatabase('tollgate_bench_naive'));
  table['naive, batches of 100'] = rowOf(await runLoad(service, batches, postgres.pid), service);
  table['naive, single events'] = rowOf(await runLoad(service, singles, postgres.pid), service);
  await service.stop();
  await postgres.dropDatabase('tollgate_bench_naive');
};

const measureEmbedded = async (): Promise<void> => {
  const data = join(directory, 'embedded');
  const database = await openPglite(join(data, 'database'));
  await migrate(database);
  await defineMetering(database);
  await database.close();
  const service = await startControlPlane(data, undefined);
  table['embedded, batches of 100'] = rowOf(await runLoad(service, batches), service);
  await service.stop();
};

const main = async (): Promise<void> => {
  const machine = describeMachine();
  const postgres = await startPostgres(directory);
  try {
    // It stays until the end: dropping a database makes PostgreSQL write everything out, which the next load would pay for.
    const floorUrl = await postgres.createDatabase('tollgate_bench_floor');
    await addFloor(floorUrl);
    if (only !== 'embedded') await measureServer(postgres, floorUrl);
    if (!only && !isStripe) await measureNaive(postgres);
    if ((!only && !isStripe) || only === 'embedded') await measureEmbedded();
    await postgres.dropDatabase('tollgate_bench_floor');
    const figures = withRatios(table);
    console.table(figures);
    const { description } = postgres;
    console.log(
      JSON.stringify({
        benchmark: 'ingest',
        machine,
        postgres: description,
        floors: floors.map(Math.round),
        figures,
      }),
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
