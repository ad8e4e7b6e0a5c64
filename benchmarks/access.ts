/**
 * How fast access is answered among 100,000 entitlements: `npm run bench:access [-- --quick]`. The floor is a request that
 * reads one row (`/readyz`); the baseline is what a service does that keeps no running usage, namely to work the value out
 * when asked (`value?time=`), and one request a customer instead of one for all. Loopback only, stops by itself.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../control-plane/src/storage/migrate';
import { openNodePostgres } from '../control-plane/src/storage/postgres/node-postgres';
import {
  aggregations,
  customerKeyAt,
  entitleCustomers,
  entitleMeasured,
  featureKeyAt,
} from './support/entitled-customers';
import { describeMachine } from './support/machine';
import { startPostgres } from './support/postgres-server';
import { benchToken, type Service, startControlPlane } from './support/service-process';

const isQuick = process.argv.includes('--quick');
const customers = isQuick ? 200 : 1_000;
const features = 100;
const repeats = isQuick ? 200 : 2_000;
const queryRepeats = isQuick ? 10 : 50;
const batchRepeats = isQuick ? 20 : 100;

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

interface Answer {
  status: number;
  text: string;
}

const ask = (service: Service, method: string, path: string, body?: unknown): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const outgoing = request(
      {
        agent,
        host: '127.0.0.1',
        port: service.port,
        method,
        path,
        headers: {
          authorization: `Bearer ${benchToken}`,
          ...(payload
            ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }
            : {}),
        },
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () =>
          resolve({ status: response.statusCode!, text: Buffer.concat(parts).toString() }),
        );
      },
    );
    outgoing.once('error', reject);
    outgoing.end(payload);
  });

const timed = async (work: () => Promise<Answer | undefined>): Promise<number> => {
  const begin = performance.now();
  const answer = await work();
  if (answer && answer.status >= 300)
    throw new Error(`an answer ${answer.status}: ${answer.text.slice(0, 500)}`);
  return performance.now() - begin;
};

const quantiles = (times: number[]) => {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) =>
    Number(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(2));
  return { 'p50 ms': at(0.5), 'p99 ms': at(0.99), 'max ms': at(1), times: times.length };
};

const measure = async (count: number, work: () => Promise<Answer | undefined>) => {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) times.push(await timed(work));
  return quantiles(times);
};

const random = (below: number): number => Math.floor(Math.random() * below);
const queryPath = '/api/v3/openmeter/entitlement-access/query';
const queryBody = () => {
  const first = random(customers - 100 + 1);
  return {
    customer: { keys: Array.from({ length: 100 }, (_, index) => customerKeyAt(first + index)) },
    feature: { keys: Array.from({ length: features }, (_, index) => featureKeyAt(index)) },
  };
};
const valuePath = () =>
  `/api/v2/customers/${customerKeyAt(random(customers))}/entitlements/${featureKeyAt(random(features))}/value`;

let nextEvent = 0;
const eventBatch = (type: string) =>
  Array.from({ length: 100 }, () => {
    nextEvent += 1;
    return {
      specversion: '1.0',
      id: `bench-${nextEvent}`,
      source: 'bench',
      type,
      subject: type,
      time: new Date().toISOString(),
      data: { value: nextEvent },
    };
  });

type Table = Record<string, Record<string, number | string>>;

const measureService = async (service: Service, table: Table): Promise<void> => {
  // The first question of a process that has answered nothing yet.
  const cold = await timed(() => ask(service, 'POST', queryPath, queryBody()));
  table['query 100 x 100, cold'] = { 'p50 ms': Number(cold.toFixed(2)), times: 1, aim: 'under 300' };
  await measure(queryRepeats, () => ask(service, 'POST', queryPath, queryBody()));
  table['query 100 x 100, warm'] = {
    ...(await measure(queryRepeats, () => ask(service, 'POST', queryPath, queryBody()))),
    aim: 'under 50',
  };
  await measure(repeats, () => ask(service, 'GET', valuePath()));
  table['floor: one row'] = await measure(repeats, () => ask(service, 'GET', '/readyz'));
  table['one value'] = {
    ...(await measure(repeats, () => ask(service, 'GET', valuePath()))),
    aim: 'p99 under 5',
  };
  table['baseline: value worked out'] = await measure(repeats / 4, () =>
    ask(service, 'GET', `${valuePath()}?time=${new Date().toISOString()}`),
  );
  table['baseline: 100 requests'] = await measure(Math.ceil(queryRepeats / 5), async () => {
    for (let index = 0; index < 100; index += 1) {
      await timed(() => ask(service, 'GET', `/api/v1/customers/${customerKeyAt(index)}/access`));
    }
    return undefined;
  });
  for (const aggregation of aggregations) {
    const type = `measured_${aggregation.toLowerCase()}`;
    table[`batch of 100 events, ${aggregation}`] = await measure(batchRepeats, () =>
      ask(service, 'POST', '/api/v1/events', eventBatch(type)),
    );
  }
};

const directory = mkdtempSync(join(tmpdir(), 'tollgate-bench-access-'));

const main = async (): Promise<void> => {
  const machine = describeMachine();
  const postgres = await startPostgres(directory);
  const table: Table = {};
  try {
    const url = await postgres.createDatabase('tollgate_bench_access');
    const database = openNodePostgres({ connectionString: url });
    await migrate(database);
    const settledPerSecond = Math.round(await entitleCustomers(database, customers, features));
    await entitleMeasured(database);
    await database.close();
    const service = await startControlPlane(directory, url);
    await measureService(service, table);
    await service.stop();
    await postgres.dropDatabase('tollgate_bench_access');
    console.log(`${customers * features} entitlements, settled at ${settledPerSecond} a second`);
    console.table(table);
    console.log(
      JSON.stringify({
        benchmark: 'access',
        machine,
        postgres: postgres.description,
        entitlements: customers * features,
        settledPerSecond,
        figures: table,
      }),
    );
  } finally {
    agent.destroy();
    await postgres.stop();
  }
};

main()
  .catch((error: Error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  })
  .finally(() => rmSync(directory, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
