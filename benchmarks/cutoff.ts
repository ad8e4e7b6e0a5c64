/**
 * From the answer to the request that uses the last unit to the first refusal, and how many requests were served too many:
 * `npm run bench:cutoff`.
 *
 * For each driver: a stand-in gateway of its kind, the plugin server and the control plane are processes of their own;
 * consumers one after another send 200 and 1,000 requests a second until they are refused. The floor is a membership taken
 * away by hand in the same gateway: from sending the call to the first refusal of the same traffic. Then 10,000 consumers
 * of each kind of gateway use their allowances up within a minute: when was the last one out, in how many calls? The
 * control plane is on a fresh database: a PostgreSQL server's where TEST_DATABASE_URL names one, else the embedded one.
 * Loopback only; stops by itself after about a quarter of an hour, `-- --quick` after a few minutes. CUTOFF_TRIALS=0 leaves
 * the single cut-offs out, CUTOFF_CONSUMERS=0 the crowd.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testStorages } from '../control-plane/test/support/storages';
import { type Child, startChild } from '../demo/child-process';
import { type ControlPlaneClient, controlPlaneClient } from '../demo/control-plane-client';
import { freePorts } from '../demo/free-ports';
import { startUpstream } from '../demo/upstream';
import { type CrowdResult, measureCrowd } from './cutoff/crowd';
import {
  type Driver,
  drivers,
  gatewayOptions,
  group,
  kongConfiguration,
  registrationOf,
  token,
} from './cutoff/gateways';
import { describeStages, readStages, type Stages } from './cutoff/stages';
import { runTrial, type Trial } from './cutoff/trial';
import { describeMachine } from './support/machine';

const isQuick = process.argv.includes('--quick');
const trials = Number(process.env.CUTOFF_TRIALS ?? (isQuick ? 2 : 12));
const crowd = {
  consumers: Number(process.env.CUTOFF_CONSUMERS ?? (isQuick ? 1_000 : 10_000)),
  seconds: Number(process.env.CUTOFF_SECONDS ?? (isQuick ? 6 : 60)),
  /** At 4 calls at a time, what one takes is what decides: 20 ms are 200 consumers a second. */
  konnectAnswerMs: Number(process.env.CUTOFF_KONNECT_MS ?? 20),
};
/** All of them, or those named with commas in between: to look at one alone. */
const named = (process.env.CUTOFF_DRIVERS ?? drivers.join(',')).split(',');
const measuredDrivers = drivers.filter((driver) => named.includes(driver));
const rates = (process.env.CUTOFF_RATES ?? '200,1000').split(',').map(Number);
/** Long enough that the traffic is steady when it is used up. */
const allowanceSeconds = 0.5;
/** DB-less nodes take one configuration a second; each trial is to meet a gateway at rest. */
const pauseMs = 1_200;
const limitMs = 30_000;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const consumerOf = (rate: number, index: number | string): string => `c-${rate}-${index}`;

/** The consumers of all trials; the first of each rate warms the processes up, the one called floor is cut by hand. */
const consumers = rates.flatMap((rate) => [
  ...Array.from({ length: trials + 1 }, (_, index) => ({ rate, name: consumerOf(rate, index) })),
  { rate, name: consumerOf(rate, 'floor') },
]);

interface Result {
  driver: Driver;
  rate: number;
  trials: number;
  p50Ms: number;
  p99Ms: number;
  overshootP50: number;
  overshootMaximum: number;
  broken: number;
  floorMs: number | null;
  /** Where the time went: the p50 of each stage, and the stages of the slowest trial with its number. */
  stagesP50: string;
  slowest: string;
}

interface TimedTrial extends Trial {
  stages: Stages;
}

const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
};

const measure = async (driver: Driver): Promise<Result[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-cutoff-'));
  const storage = await testStorages.at(-1)!.open();
  const children: Child[] = [];
  const [controlPort, upstreamPort] = (await freePorts(2)) as [number, number];
  const upstream = await startUpstream(upstreamPort);
  try {
    const controlPlaneUrl = `http://127.0.0.1:${controlPort}`;
    const logFile = join(folder, 'log');
    const socket = join(folder, 'tollgate.sock');
    const info = join(folder, 'plugin.info.json');
    children.push(
      await startChild({
        name: 'plugin server',
        script: 'plugin/src/server/main.ts',
        args: ['--socket', socket, '--dump-info', info, '--journal', join(folder, 'journal'), '--port', '0'],
        logFile,
        isReady: (output) => output.includes('the plugin server is ready'),
      }),
      await startChild({
        name: 'control plane',
        script: 'control-plane/src/main.ts',
        cwd: folder,
        env: {
          DATABASE_URL: storage.url ?? '',
          REDIS_URL: '',
          TOLLGATE_PORT: String(controlPort),
          TOLLGATE_API_TOKEN: token,
          TOLLGATE_DATA_DIRECTORY: join(folder, 'data'),
          KONNECT_TOKEN: token,
        },
        logFile,
        isReady: (output) => output.includes('tollgate is ready'),
      }),
    );
    let proxyUrl = '';
    let adminUrl = '';
    children.push(
      await startChild({
        name: 'gateway',
        script: 'benchmarks/cutoff/gateway-process.ts',
        args: [
          JSON.stringify({
            ...gatewayOptions(driver),
            config: kongConfiguration(
              driver,
              upstreamPort,
              consumers.map(({ name }) => name),
              [
                {
                  name: 'tollgate',
                  config: { ingest_endpoint: `${controlPlaneUrl}/api/v1/events`, api_token: token },
                },
              ],
            ),
            pluginServers: [{ socketPath: socket, info }],
          }),
        ],
        logFile,
        isReady: (output) => {
          const line = output.split('\n').find((text) => text.includes('"adminUrl"'));
          if (line) ({ proxyUrl, adminUrl } = JSON.parse(line));
          return line !== undefined;
        },
      }),
    );
    const client = controlPlaneClient(controlPlaneUrl, token);
    await prepare(driver, client, adminUrl);
    const results: Result[] = [];
    for (const rate of rates) results.push(await measureRate(driver, rate, client, proxyUrl, adminUrl));
    return results;
  } finally {
    for (const child of children.reverse()) await child.stop();
    await upstream.close();
    await storage.drop();
    rmSync(folder, { recursive: true, force: true });
  }
};

const prepare = async (driver: Driver, client: ControlPlaneClient, adminUrl: string): Promise<void> => {
  await client.post('/api/v1/meters', {
    slug: 'requests',
    aggregation: 'COUNT',
    eventType: 'kong.api_request',
  });
  await client.post('/api/v1/features', { key: 'requests', name: 'Requests', meterSlug: 'requests' });
  await client.post('/api/v1/access/gateways', registrationOf(driver, adminUrl));
  await client.post('/api/v1/access/policies', { feature: 'requests', gateway: 'edge', leave: [group] });
  for (const { name, rate } of consumers) {
    // The consumer of the floor is to be cut off by hand alone.
    const allowance = name.endsWith('floor') ? 1e9 : rate * allowanceSeconds;
    await client.post(`/api/v1/subjects/${name}/entitlements`, {
      type: 'metered',
      featureKey: 'requests',
      issueAfterReset: allowance,
      usagePeriod: { interval: 'MONTH' },
    });
  }
  await sleep(pauseMs);
};

const measureRate = async (
  driver: Driver,
  rate: number,
  client: ControlPlaneClient,
  proxyUrl: string,
  adminUrl: string,
): Promise<Result> => {
  const measured: TimedTrial[] = [];
  for (let index = 0; index <= trials; index += 1) {
    const name = consumerOf(rate, index);
    const options = { proxyUrl, apiKey: `${name}-key`, allowance: rate * allowanceSeconds, rate, limitMs };
    const trial = await runTrial(options);
    await sleep(pauseMs);
    if (index > 0) measured.push({ ...trial, stages: await readStages(client, name, trial) });
  }
  const slowest = measured.reduce((most, trial) => (trial.cutoffMs > most.cutoffMs ? trial : most));
  const times = measured.map(({ cutoffMs }) => cutoffMs);
  const overshoots = measured.map(({ overshoot }) => overshoot);
  return {
    driver,
    rate,
    trials: measured.length,
    p50Ms: Math.round(percentile(times, 0.5) * 10) / 10,
    p99Ms: Math.round(percentile(times, 0.99) * 10) / 10,
    overshootP50: percentile(overshoots, 0.5),
    overshootMaximum: Math.max(...overshoots),
    broken: measured.reduce((sum, trial) => sum + trial.broken, 0),
    floorMs: driver === 'kong-acl' ? await floor(rate, proxyUrl, adminUrl) : null,
    stagesP50: describeStages((stage) =>
      percentile(
        measured.map(({ stages }) => stages[stage]),
        0.5,
      ),
    ),
    slowest: `#${measured.indexOf(slowest) + 1}: ${describeStages((stage) => slowest.stages[stage])}`,
  };
};

/** The same traffic, cut off by the Admin call alone: no metering in between. */
const floor = async (rate: number, proxyUrl: string, adminUrl: string): Promise<number> => {
  const name = consumerOf(rate, 'floor');
  let sentAt = 0;
  const cut = setTimeout(() => {
    sentAt = performance.now();
    void fetch(`${adminUrl}/consumers/${name}/acls/${group}`, { method: 'DELETE' });
  }, 500);
  await runTrial({ proxyUrl, apiKey: `${name}-key`, allowance: Number.POSITIVE_INFINITY, rate, limitMs });
  clearTimeout(cut);
  return Math.round((performance.now() - sentAt) * 10) / 10;
};

const run = async (): Promise<void> => {
  const results: Result[] = [];
  for (const driver of trials > 0 ? measuredDrivers : []) {
    results.push(...(await measure(driver)));
    process.stderr.write(`${driver}: done\n`);
  }
  console.table(results);
  const crowds: CrowdResult[] = [];
  for (const driver of crowd.consumers > 0 ? measuredDrivers : []) {
    crowds.push(await measureCrowd(driver, crowd));
    process.stderr.write(`${crowd.consumers} consumers of ${driver}: done\n`);
  }
  console.table(crowds);
  const storage = testStorages.at(-1)!.kind;
  console.log(JSON.stringify({ bench: 'cutoff', storage, machine: describeMachine(), results, crowds }));
};

run().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
