/**
 * Queries and ingest with a month of events stored: `npm run bench:query [-- --quick]` (10 million events; a tenth with
 * --quick). Loopback only, stops by itself; loading takes a few minutes.
 */
import type { Database } from '../control-plane/src/storage';
import { migrate } from '../control-plane/src/storage/migrate';
import { openNodePostgres } from '../control-plane/src/storage/postgres/node-postgres';
import { defineMetering, meterSlug } from './support/definitions';
import { describeMachine } from './support/machine';
import { loadMonth, type Month } from './support/month-of-events';
import { startPostgres } from './support/postgres-server';
import { eventSource, eventText, methodAt, routeAt, subjectAt, subjectCount } from './support/sample-events';
import {
  benchToken,
  type MeasuredLoad,
  runLoad,
  type Service,
  startControlPlane,
} from './support/service-process';
import { temporaryDirectory } from './support/temporary-directory';

const isQuick = process.argv.includes('--quick');
const monthEvents = isQuick ? 1_000_000 : 10_000_000;
const repetitions = isQuick ? 50 : 200;
const ingestLoad = { connections: 16, batch: 100, seconds: isQuick ? 5 : 10, warmUpSeconds: isQuick ? 2 : 4 };
const firstLoad = { ...ingestLoad, seconds: isQuick ? 5 : 20 };
const hourMs = 3_600_000;

const { directory, remove } = temporaryDirectory();
const round = (value: number, digits = 1): number => Number(value.toFixed(digits));

const request = async (service: Service, path: string, init: RequestInit = {}): Promise<Response> => {
  const headers = { authorization: `Bearer ${benchToken}`, ...init.headers };
  const response = await fetch(`http://127.0.0.1:${service.port}${path}`, { ...init, headers });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response;
};

/** The whole hours of the month: what a bill or a chart asks for. */
const spanOf = ({ from, to }: Month): Record<string, string> => ({
  from: new Date(Math.ceil(from / hourMs) * hourMs).toISOString(),
  to: new Date(Math.floor(to / hourMs) * hourMs).toISOString(),
});

interface QueryFigures {
  'p50 ms': number;
  'p95 ms': number;
  rows: number;
}

const timeQuery = async (
  service: Service,
  parameters: (index: number) => Record<string, string>,
): Promise<QueryFigures> => {
  const times: number[] = [];
  let rows = 0;
  for (let index = 0; index < repetitions + 5; index += 1) {
    const search = new URLSearchParams(parameters(index)).toString();
    const begin = performance.now();
    const response = await request(service, `/api/v1/meters/${meterSlug}/query?${search}`);
    const answer = (await response.json()) as { data: unknown[] };
    if (index >= 5) times.push(performance.now() - begin);
    rows = answer.data.length;
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => round(times[Math.floor(times.length * share)]!, 2);
  return { 'p50 ms': at(0.5), 'p95 ms': at(0.95), rows };
};

const timeQueries = async (service: Service, month: Month): Promise<Record<string, QueryFigures>> => {
  const span = spanOf(month);
  const anySubject = (index: number) => subjectAt((index * 37) % subjectCount);
  return {
    "one subject's month by hour": await timeQuery(service, (index) => ({
      ...span,
      windowSize: 'HOUR',
      subject: anySubject(index),
    })),
    'all subjects by day': await timeQuery(service, () => ({ ...span, windowSize: 'DAY' })),
    'all subjects by day, Europe/Berlin': await timeQuery(service, () => ({
      ...span,
      windowSize: 'DAY',
      windowTimeZone: 'Europe/Berlin',
    })),
  };
};

/** Sends stored events again; every one must be known as a duplicate, from whichever week. */
const resendOld = async (
  service: Service,
  database: Database,
): Promise<{ resent: number; found: number }> => {
  const resent = 1_000;
  const numbers = Array.from(
    { length: resent },
    (_, index) => 1 + Math.floor((index * (monthEvents - 1)) / resent),
  );
  const { rows } = await database.query<{ id: string }>(
    'SELECT md5(n::text) AS id FROM unnest($1::bigint[]) AS n',
    [database.arrays.bigint(numbers)],
  );
  const time = new Date().toISOString();
  const events = rows.map(({ id }, index) =>
    eventText({ id, time, subject: subjectAt(index), method: methodAt(index), route: routeAt(index) }),
  );
  const response = await request(service, '/api/v1/events', {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents-batch+json', prefer: 'return=representation' },
    body: `[${events.join(',')}]`,
  });
  const answer = (await response.json()) as { duplicates: { source: string }[] };
  return { resent, found: answer.duplicates.filter(({ source }) => source === eventSource).length };
};

const openDefined = async (url: string): Promise<Database> => {
  const database = openNodePostgres({ connectionString: url });
  await migrate(database);
  await defineMetering(database);
  return database;
};

/** Ends when the upkeep of a database that was just filled is over: it would be measured along. */
const settled = async (service: Service, database: Database): Promise<void> => {
  await service.logged('ended weeks are filtered');
  for (;;) {
    const { rows } = await database.query<{ open: number }>(
      'SELECT count(*) AS open FROM event_week WHERE indexed_at IS NULL AND week < (SELECT max(week) FROM event_week)',
    );
    if (rows[0]!.open === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await database.script('VACUUM ANALYZE');
  await database.script('CHECKPOINT');
};

const main = async (): Promise<void> => {
  const machine = describeMachine();
  const postgres = await startPostgres(directory);
  try {
    const url = await postgres.createDatabase('tollgate_bench_month');
    const database = await openDefined(url);
    const begin = performance.now();
    const month = await loadMonth(database, monthEvents, Date.now());
    console.log(`${monthEvents} events loaded in ${Math.round((performance.now() - begin) / 1_000)} s`);
    const service = await startControlPlane(directory, url);
    await settled(service, database);
    const queries = await timeQueries(service, month);
    const duplicates = await resendOld(service, database);
    console.table(queries);

    const emptyUrl = await postgres.createDatabase('tollgate_bench_empty');
    await (await openDefined(emptyUrl)).close();
    const emptyService = await startControlPlane(directory, emptyUrl);
    // Once unmeasured: after a checkpoint PostgreSQL logs each page whole when it is first changed, and the tables of a month
    // have many. In operation a checkpoint comes every quarter of an hour, not before each run.
    await runLoad(emptyService, firstLoad, postgres.pid);
    await runLoad(service, firstLoad, postgres.pid);
    // In turns, so that a change of the machine's other load meets both alike.
    const rates = { empty: [] as MeasuredLoad[], full: [] as MeasuredLoad[] };
    for (let turn = 0; turn < (isQuick ? 1 : 3); turn += 1) {
      rates.empty.push(await runLoad(emptyService, ingestLoad, postgres.pid));
      rates.full.push(await runLoad(service, ingestLoad, postgres.pid));
    }
    await emptyService.stop();
    await service.stop();
    await database.close();
    const median = (loads: MeasuredLoad[], read: (load: MeasuredLoad) => number): number =>
      loads.map(read).sort((a, b) => a - b)[Math.floor(loads.length / 2)]!;
    const figuresOf = (loads: MeasuredLoad[]) => ({
      'events/s': Math.round(median(loads, (load) => load.eventsPerSecond)),
      'server us/event': round(median(loads, (load) => load.serverMicrosPerEvent)),
      'postgres us/event': round(median(loads, (load) => load.postgresMicrosPerEvent ?? 0)),
    });
    const ingest = { 'empty tables': figuresOf(rates.empty), 'month stored': figuresOf(rates.full) };
    const ratio = round(ingest['month stored']['events/s'] / ingest['empty tables']['events/s'], 2);
    console.table(ingest);
    console.table({ duplicates, 'ingest, month stored / empty': { ratio } });
    console.log(
      JSON.stringify({
        benchmark: 'query',
        machine,
        postgres: postgres.description,
        events: monthEvents,
        queries,
        ingest,
        ratio,
        duplicates,
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
