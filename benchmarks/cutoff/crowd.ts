/** Many consumers use their allowances up within a minute: when is each of them refused, and what does the gateway pay? */
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../control-plane/src/primitives/clock';
import { migrate } from '../../control-plane/src/storage/migrate';
import { openDatabase } from '../../control-plane/src/storage/open-database';
import { AccessFixture } from '../../control-plane/test/support/access-fixture';
import { testStorages } from '../../control-plane/test/support/storages';
import { startChild } from '../../demo/child-process';
import { type ControlPlaneClient, controlPlaneClient } from '../../demo/control-plane-client';
import { freePorts } from '../../demo/free-ports';
import { type StandInGateway, startStandInGateway } from '../../stand-in-gateway/src';
import { type Driver, gatewayOptions, group, kongConfiguration, registrationOf, token } from './gateways';

export interface CrowdOptions {
  consumers: number;
  /** Over which they cross, evenly. */
  seconds: number;
  konnectAnswerMs: number;
}

export interface CrowdResult {
  driver: Driver;
  consumers: number;
  /** When the last event was stored, from the first on. */
  crossedWithinS: number;
  /** When the last consumer was refused, from the first event on, and from its own event on. */
  lastOutS: number;
  lagP50Ms: number;
  lagP99Ms: number;
  /** Calls of a sweep that changed nothing, with all of these consumers. */
  callsOfASweep: number;
  /** Calls while they crossed, sweeps included, and those of them that changed something. */
  calls: number;
  changes: number;
  mostChangesInASecond: number;
}

const sweepSeconds = 10;
/** Consumers that are asked about at the same time; each asker goes on to its next when one is refused. */
const askers = 4;
const askEveryMs = 20;
const preparationLimitMs = 120_000;
const limitMs = 600_000;
const eventsInBatch = 50;
const changeCall = /^(DELETE|PUT|POST) /;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const callsOf = (gateway: StandInGateway, pattern = /./): number =>
  Object.entries(gateway.stats.adminCalls)
    .filter(([call]) => pattern.test(call))
    .reduce((sum, [, count]) => sum + count, 0);

export const measureCrowd = async (driver: Driver, options: CrowdOptions): Promise<CrowdResult> => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-crowd-'));
  const names = Array.from({ length: options.consumers }, (_, index) => `c-${index}`);
  const gateway = await startStandInGateway({
    ...gatewayOptions(driver, options.konnectAnswerMs),
    config: kongConfiguration(driver, 9, names),
  });
  const database = await entitle(join(folder, 'data'), names);
  const [port] = (await freePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}`;
  const controlPlane = await startChild({
    name: 'control plane',
    script: 'control-plane/src/main.ts',
    cwd: folder,
    env: {
      DATABASE_URL: database.url,
      REDIS_URL: '',
      TOLLGATE_PORT: String(port),
      TOLLGATE_API_TOKEN: token,
      TOLLGATE_DATA_DIRECTORY: join(folder, 'data'),
      TOLLGATE_SWEEP_INTERVAL_SECONDS: String(sweepSeconds),
      KONNECT_TOKEN: token,
    },
    logFile: join(folder, 'log'),
    isReady: (output) => output.includes('tollgate is ready'),
  });
  try {
    const client = controlPlaneClient(url, token);
    await client.post('/api/v1/access/gateways', registrationOf(driver, gateway.adminUrl));
    await client.post('/api/v1/access/policies', { feature: 'requests', gateway: 'edge', leave: [group] });
    await untilAllAreIn(client, names.length);
    const callsOfASweep = await measureSweep(client, gateway);
    return { ...(await cross(client, gateway, names, options.seconds)), driver, callsOfASweep };
  } finally {
    await controlPlane.stop();
    await gateway.close();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  }
};

/** A customer each with one request a month, in the database that the control plane will open. */
const entitle = async (
  directory: string,
  names: readonly string[],
): Promise<{ url: string; drop: () => Promise<void> }> => {
  const storage = testStorages.at(-1)!;
  const list = names.map((key) => ({ key, featureKey: 'requests', allowance: 1 }));
  if (storage.kind === 'postgres') {
    const opened = await storage.open();
    await new AccessFixture(opened.database, systemClock).entitle(list);
    return { url: opened.url!, drop: opened.drop };
  }
  const database = await openDatabase({
    databaseUrl: undefined,
    dataDirectory: directory,
    maximumConnections: 1,
    onIdleError: (error) => console.error(error),
  });
  await migrate(database);
  await new AccessFixture(database, systemClock).entitle(list);
  await database.close();
  return { url: '', drop: async () => undefined };
};

/** Waits until each of them was seen in the group, so that what is measured afterwards is their leaving it alone. */
const untilAllAreIn = async (client: ControlPlaneClient, consumers: number): Promise<void> => {
  const deadline = performance.now() + preparationLimitMs;
  for (;;) {
    const counts = await client.get<Record<string, number>>('/api/v1/access/states/counts');
    if (counts.in === consumers) return;
    if (performance.now() > deadline)
      throw new Error(`${consumers} consumers are to be in, but the states are ${JSON.stringify(counts)}`);
    await sleep(500);
  }
};

/** Calls between the ends of two sweeps, when nothing is left to be done. */
const measureSweep = async (client: ControlPlaneClient, gateway: StandInGateway): Promise<number> => {
  const sweptAt = async (): Promise<string | null> =>
    (await client.get<{ sweptAt: string | null }>('/api/v1/access/gateways/edge')).sweptAt;
  const nextSweep = async (): Promise<void> => {
    const before = await sweptAt();
    const deadline = performance.now() + limitMs;
    while ((await sweptAt()) === before) {
      if (performance.now() > deadline) throw new Error('no sweep ended');
      await sleep(50);
    }
  };
  // The one under way may have begun before the last of them was in; what it found to do is done by the end of the next.
  await nextSweep();
  await nextSweep();
  const before = callsOf(gateway);
  await nextSweep();
  return callsOf(gateway) - before;
};

const cross = async (
  client: ControlPlaneClient,
  gateway: StandInGateway,
  names: readonly string[],
  seconds: number,
): Promise<Omit<CrowdResult, 'driver' | 'callsOfASweep'>> => {
  const before = { calls: callsOf(gateway), changes: callsOf(gateway, changeCall) };
  const storedAt: number[] = [];
  const refusedAt: number[] = [];
  const startedAt = performance.now();
  const asking = Promise.all(
    Array.from({ length: askers }, (_, asker) => ask(gateway, names, asker, storedAt, refusedAt)),
  );
  const busiest = countBusiestSecond(gateway);
  for (let start = 0; start < names.length; start += eventsInBatch) {
    const due = startedAt + (start / names.length) * seconds * 1_000;
    await sleep(Math.max(0, due - performance.now()));
    const batch = names.slice(start, start + eventsInBatch);
    await client.post(
      '/api/v1/events',
      batch.map((subject) => ({
        specversion: '1.0',
        id: subject,
        source: 'bench',
        type: 'kong.api_request',
        subject,
      })),
    );
    for (let index = start; index < start + batch.length; index += 1) storedAt[index] = performance.now();
  }
  const crossedAt = performance.now();
  await asking;
  const lags = refusedAt.map((at, index) => at - storedAt[index]!).sort((a, b) => a - b);
  return {
    consumers: names.length,
    crossedWithinS: round((crossedAt - startedAt) / 1_000),
    lastOutS: round((Math.max(...refusedAt) - startedAt) / 1_000),
    lagP50Ms: Math.round(lags[Math.floor(lags.length / 2)]!),
    lagP99Ms: Math.round(lags[Math.floor(lags.length * 0.99)]!),
    calls: callsOf(gateway) - before.calls,
    changes: callsOf(gateway, changeCall) - before.changes,
    mostChangesInASecond: busiest(),
  };
};

const round = (value: number): number => Math.round(value * 10) / 10;

/** Asks on behalf of every so manieth consumer until each is refused, in the order in which they cross. */
const ask = async (
  gateway: StandInGateway,
  names: readonly string[],
  first: number,
  storedAt: readonly number[],
  refusedAt: number[],
): Promise<void> => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const deadline = performance.now() + limitMs;
  for (let index = first; index < names.length; index += askers) {
    // Before its event is stored there is nothing to ask.
    while (storedAt[index] === undefined || (await statusOf(gateway, agent, names[index]!)) !== 403) {
      if (performance.now() > deadline) throw new Error(`${names[index]} was not refused in time`);
      await sleep(askEveryMs);
    }
    refusedAt[index] = performance.now();
  }
  agent.destroy();
};

const statusOf = (gateway: StandInGateway, agent: Agent, name: string): Promise<number> =>
  new Promise((resolve, reject) => {
    request(`${gateway.proxyUrl}/orders`, { agent, headers: { apikey: `${name}-key` } }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
    })
      .once('error', reject)
      .end();
  });

/** The most changes that came within a second, by looking every second. */
const countBusiestSecond = (gateway: StandInGateway): (() => number) => {
  let most = 0;
  let last = callsOf(gateway, changeCall);
  const timer = setInterval(() => {
    const now = callsOf(gateway, changeCall);
    most = Math.max(most, now - last);
    last = now;
  }, 1_000);
  return () => {
    clearInterval(timer);
    return most;
  };
};
