import { join } from 'node:path';
import { startOwnPostgres } from '../../benchmarks/support/own-postgres';
import { benchToken } from '../../benchmarks/support/service-process';
import { hasRedisServer, startRedisServer } from '../../control-plane/test/support/redis-server';
import { startWebhookReceiver } from '../../control-plane/test/support/webhook-receiver';
import { controlPlaneClient } from '../../demo/control-plane-client';
import { freePorts } from '../../demo/free-ports';
import { startStandInGateway } from '../../stand-in-gateway/src/index';
import { startBalancer } from '../support/balancer';
import { seededRandom } from '../support/random';
import { type SupervisedProcess, superviseProcess } from '../support/supervised-process';
import { type Check, checkCounts, checkCrossings, checkGroups, checkTables, meteredCounts } from './examine';
import { feedPluginServer, type ServedRequest } from './kong-feed';
import { planKills } from './plan-kills';
import { createTraffic, planConsumers } from './plan-traffic';
import { kongConfiguration, setUp } from './set-up';

export interface ChaosOptions {
  seed: number;
  events: number;
  kills: number;
  consumers: number;
  /** Events a second, all plugin servers together. */
  rate: number;
  /** An existing folder for data, sockets, journals and logs. Its path is short: socket paths have 107 bytes. */
  directory: string;
  /** Milliseconds that the events may take until all are acknowledged; after them the run is given up. */
  feedLimitMs: number;
  /** Milliseconds that everything may take to settle after the last event. */
  settleLimitMs: number;
  say: (line: string) => void;
}

export interface ChaosReport {
  seed: number;
  events: number;
  kills: number;
  /** Requests told again because their acknowledgement did not come. */
  repeats: number;
  seconds: number;
  settledAfterSeconds: number;
  checks: Check[];
}

const controlPlanes = 3;
const pluginServers = 2;
const connectionsPerServer = 24;

/** What can be killed and started again. */
interface Victim {
  name: string;
  kill(): Promise<void>;
  start(): Promise<void>;
}

/**
 * Sends events through plugin servers to three control planes behind a balancer, kills everything in turn while they flow,
 * and says what holds at the end. Only Kong, the webhook receiver and the balancer live throughout: they are the customer's.
 */
export const runChaos = async (options: ChaosOptions): Promise<ChaosReport> => {
  const { directory, say } = options;
  const random = seededRandom(options.seed);
  const consumers = planConsumers(options.consumers, options.events, random);
  const begun = performance.now();
  const at = () => `${((performance.now() - begun) / 1_000).toFixed(1).padStart(6)} s`;
  const closing: (() => Promise<void>)[] = [];
  const givingUp = new AbortController();
  try {
    const postgres = await startOwnPostgres(directory);
    closing.unshift(postgres.stop);
    const redis = hasRedisServer ? await startRedisServer(directory) : undefined;
    if (redis) closing.unshift(redis.kill);
    else say('redis-server is not in the PATH: Redis is left out of this run');
    const receiver = await startWebhookReceiver();
    closing.unshift(receiver.close);
    const gateway = await startStandInGateway({ config: kongConfiguration(consumers), mode: 'postgres' });
    closing.unshift(gateway.close);

    const ports = await freePorts(controlPlanes);
    const planes = await Promise.all(
      ports.map((port, index) => startPlane(options, index + 1, port, postgres.url, redis?.url)),
    );
    for (const plane of planes) closing.unshift(plane.stop);
    const balancer = await startBalancer(ports);
    closing.unshift(balancer.close);
    const url = `http://127.0.0.1:${balancer.port}`;
    const client = controlPlaneClient(url, benchToken);
    await setUp(client, consumers, { adminUrl: gateway.adminUrl, webhookUrl: `${receiver.url}/chaos` });

    const servers = await Promise.all(
      Array.from({ length: pluginServers }, (_, index) => startPluginServer(options, index + 1)),
    );
    for (const server of servers) closing.unshift(server.stop);

    const stores: Victim[] = [{ name: 'Postgres', kill: postgres.kill, start: postgres.start }];
    const caches: Victim[] = redis ? [{ name: 'Redis', kill: redis.kill, start: redis.restart }] : [];
    const kinds: Victim[][] = [planes, servers, stores, ...(redis ? [caches] : [])];
    const victims = new Map(kinds.flat().map((victim) => [victim.name, victim]));
    const plan = planKills(
      options.kills,
      kinds.map((kind) => kind.map(({ name }) => name)),
      random,
    );
    const traffic = createTraffic(consumers, options.rate, random, givingUp.signal);
    say(
      `seed ${options.seed}: ${options.events} events of ${options.consumers} consumers, ${options.kills} kills`,
    );

    let isKilling = true;
    const killing = (async () => {
      for (const { victim: name, atShare, downMs } of plan) {
        await traffic.acknowledgedReaches(Math.floor(atShare * options.events));
        const victim = victims.get(name)!;
        await victim.kill();
        say(`${at()}  killed ${name} at ${traffic.acknowledged()} events; down for ${downMs} ms`);
        await new Promise((resolve) => setTimeout(resolve, downMs));
        await victim.start();
        say(`${at()}  ${name} is back`);
      }
      isKilling = false;
      traffic.release();
    })();
    const config = {
      ingest_endpoint: `${url}/api/v1/events`,
      api_token: benchToken,
      queue: { max_retry_delay: 0.5 },
    };
    const feeding = Promise.all(
      servers.map(({ socket }, index) =>
        feedPluginServer({
          socket,
          config,
          connections: connectionsPerServer,
          next: (): Promise<ServedRequest | undefined> => traffic.next(index),
          onAcknowledged: traffic.acknowledge,
          signal: givingUp.signal,
        }),
      ),
    );
    const fed = await within(options.feedLimitMs, Promise.all([feeding, killing]), () => {
      givingUp.abort();
      return `${traffic.acknowledged()} of ${options.events} events were acknowledged in ${options.feedLimitMs} ms`;
    });
    if (isKilling) throw new Error('the traffic ended before the kills');
    const sentAfter = performance.now();
    say(`${at()}  all ${options.events} events are acknowledged`);

    const checks = await settled(options, async () => [
      checkCounts(consumers, await meteredCounts(client)),
      checkCrossings(consumers, receiver.received),
      await checkGroups(consumers, gateway.adminUrl),
      await checkTables(postgres.url, options.events),
    ]);
    return {
      seed: options.seed,
      events: options.events,
      kills: plan.length,
      repeats: fed[0].reduce((sum, { repeats }) => sum + repeats, 0),
      seconds: (performance.now() - begun) / 1_000,
      settledAfterSeconds: (performance.now() - sentAfter) / 1_000,
      checks,
    };
  } finally {
    for (const close of closing) await close();
  }
};

const startPlane = (
  { directory }: ChaosOptions,
  number: number,
  port: number,
  databaseUrl: string,
  redisUrl: string | undefined,
): Promise<SupervisedProcess> =>
  superviseProcess({
    name: `control plane ${number}`,
    script: 'control-plane/src/main.ts',
    cwd: directory,
    env: {
      DATABASE_URL: databaseUrl,
      REDIS_URL: redisUrl ?? '',
      TOLLGATE_PORT: String(port),
      TOLLGATE_API_TOKEN: benchToken,
      TOLLGATE_DATA_DIRECTORY: join(directory, `data-${number}`),
      TOLLGATE_ALLOW_PRIVATE_WEBHOOK_DESTINATIONS: 'true',
      TOLLGATE_SWEEP_INTERVAL_SECONDS: '5',
    },
    logFile: join(directory, `control-plane-${number}.log`),
    isReady: (output) => output.includes('tollgate is ready'),
  });

const startPluginServer = async (
  { directory }: ChaosOptions,
  number: number,
): Promise<SupervisedProcess & { socket: string }> => {
  const socket = join(directory, `kong-${number}.sock`);
  const server = await superviseProcess({
    name: `plugin server ${number}`,
    script: 'plugin/src/server/main.ts',
    args: [
      ...['--socket', socket, '--journal', join(directory, `journal-${number}`)],
      ...['--source', `kong-${number}`, '--port', '0'],
    ],
    logFile: join(directory, `plugin-server-${number}.log`),
    isReady: (output) => output.includes('the plugin server is ready'),
  });
  return { ...server, socket };
};

/** @throws Error with what `giveUp` says when the work is not done in time; it then has to let the work end */
const within = async <Result>(
  limitMs: number,
  work: Promise<Result>,
  giveUp: () => string,
): Promise<Result> => {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(giveUp())), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
};

/** Looks again and again until everything holds, at most so long; the last look is the verdict. */
const settled = async ({ settleLimitMs }: ChaosOptions, look: () => Promise<Check[]>): Promise<Check[]> => {
  const deadline = performance.now() + settleLimitMs;
  for (;;) {
    const checks = await look();
    if (checks.every(({ findings }) => findings.length === 0) || performance.now() > deadline) return checks;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
};
