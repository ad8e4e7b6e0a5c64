/**
 * From the answer to an event that crosses a threshold to the webhook's arrival: `npm run bench:notify`.
 *
 * 1. 100 crossings/s over one channel, against the floor (a bare POST of the same body to the same receiver).
 * 2. 1,000 channels of which 200 never answer, 100 webhooks/s, against a baseline that has no lanes (50 senders that
 *    work off one queue in order).
 *
 * The control plane is a process of its own on a fresh database: a PostgreSQL server's where TEST_DATABASE_URL names one,
 * else the embedded one. Loopback only; stops by itself after about a minute.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../control-plane/src/storage/migrate';
import { openPglite } from '../control-plane/src/storage/postgres/pglite';
import { startControlPlaneProcess } from '../control-plane/test/support/control-plane-process';
import { entitleCustomers } from '../control-plane/test/support/entitled-customer';
import { testStorages } from '../control-plane/test/support/storages';
import { testToken } from '../control-plane/test/support/test-app';
import { startWebhookReceiver } from '../control-plane/test/support/webhook-receiver';

const perSecond = 100;
const seconds = 10;
/** Crossings before the measured ones, so that the processes have compiled what they run. */
const warmUp = 300;
const channels = 1_000;
const hangingOfFive = 1;
const rules = channels / 5;
const hangSeconds = 20;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

const summary = (latencies: readonly number[]) => {
  const sorted = [...latencies].sort((a, b) => a - b);
  const round = (value: number) => Math.round(value * 10) / 10;
  return {
    count: sorted.length,
    p50Ms: round(percentile(sorted, 0.5)),
    p99Ms: round(percentile(sorted, 0.99)),
    maximumMs: round(sorted.at(-1) ?? Number.NaN),
  };
};

/** Calls `action` at a steady rate, whatever the calls take; resolves when all have ended. */
const steadily = async (
  count: number,
  rate: number,
  action: (index: number) => Promise<void>,
): Promise<void> => {
  const begun = performance.now();
  const calls: Promise<void>[] = [];
  for (let index = 0; index < count; index += 1) {
    const wait = begun + (index * 1_000) / rate - performance.now();
    if (wait > 0) await sleep(wait);
    calls.push(action(index));
  }
  await Promise.all(calls);
};

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

const run = async (): Promise<void> => {
  const directory = mkdtempSync(join(tmpdir(), 'tollgate-notify-'));
  const storage = testStorages.at(-1)!;
  const server = storage.kind === 'postgres' ? await storage.open() : undefined;
  const database = server?.database ?? (await openPglite(join(directory, 'database')));
  if (!server) await migrate(database);

  const from = Date.now() - 3_600_000;
  const steadySubjects = Array.from(
    { length: warmUp + perSecond * seconds },
    (_, index) => `steady-${index}`,
  );
  await entitleCustomers({ database, from, subjects: steadySubjects, allowance: '10', featureKey: 'steady' });
  for (let rule = 0; rule < rules; rule += 1) {
    const subjects = Array.from({ length: 2 }, (_, index) => `hang-${rule}-${index}`);
    await entitleCustomers({ database, from, subjects, allowance: '10', featureKey: `hang_${rule}` });
  }
  if (!server) await database.close();

  /** When each webhook arrived: by path and subject. */
  const arrivals = new Map<string, number>();
  const receiver = await startWebhookReceiver();
  receiver.onArrival(({ path, body }) => {
    const { subject } = body.data as unknown as { subject: { key: string } };
    const key = `${path} ${subject?.key}`;
    if (!arrivals.has(key)) arrivals.set(key, performance.now());
  });

  const controlPlane = await startControlPlaneProcess({
    databaseUrl: server?.url,
    dataDirectory: directory,
    port: await freePort(),
    environment: { TOLLGATE_ALLOW_PRIVATE_WEBHOOK_DESTINATIONS: 'true' },
  });
  const post = async (path: string, body: unknown): Promise<Response> => {
    const response = await fetch(`${controlPlane.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${testToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  const createChannel = async (path: string): Promise<string> => {
    const body = { type: 'WEBHOOK', name: path, url: `${receiver.url}${path}` };
    return ((await (await post('/api/v1/notification/channels', body)).json()) as { id: string }).id;
  };
  const createRule = (feature: string, ids: string[]) =>
    post('/api/v1/notification/rules', {
      type: 'entitlements.balance.threshold',
      name: feature,
      features: [feature],
      thresholds: [{ type: 'usage_value', value: 1 }],
      channels: ids,
    });
  /** Sends one event and returns when it was answered. */
  const use = async (type: string, subject: string): Promise<number> => {
    const event = { specversion: '1.0', id: `${type}-${subject}`, source: 'bench', type, subject };
    await post('/api/v1/events', event);
    return performance.now();
  };
  const arrivedAll = async (keys: readonly string[], withinMs: number): Promise<void> => {
    const end = performance.now() + withinMs;
    while (performance.now() < end && !keys.every((key) => arrivals.has(key))) await sleep(20);
  };

  try {
    // The floor: what the loopback and the receiver take by themselves, with a body of the same size.
    const floor: number[] = [];
    await steadily(perSecond * 3, perSecond, async (index) => {
      const body = { id: 'floor', data: { subject: { key: `floor-${index}` }, filler: 'x'.repeat(1_800) } };
      const begun = performance.now();
      await fetch(`${receiver.url}/floor`, { method: 'POST', body: JSON.stringify(body) });
      floor.push((arrivals.get(`/floor floor-${index}`) ?? Number.NaN) - begun);
    });

    await createRule('steady', [await createChannel('/steady')]);
    const steadyAnswers = new Map<string, number>();
    await steadily(steadySubjects.length, perSecond, async (index) => {
      const subject = steadySubjects[index]!;
      steadyAnswers.set(`/steady ${subject}`, await use('steady', subject));
    });
    await arrivedAll([...steadyAnswers.keys()], 10_000);
    const steady = [...steadyAnswers]
      .slice(warmUp)
      .map(([key, at]) => (arrivals.get(key) ?? Number.POSITIVE_INFINITY) - at);

    const paths = Array.from({ length: channels }, (_, index) => `/channel-${index}`);
    const hangs = (index: number): boolean => index % 5 < hangingOfFive;
    for (const [index, path] of paths.entries()) if (hangs(index)) receiver.answer(path, () => undefined);
    const ids: string[] = [];
    for (const path of paths) ids.push(await createChannel(path));
    for (let rule = 0; rule < rules; rule += 1)
      await createRule(`hang_${rule}`, ids.slice(rule * 5, rule * 5 + 5));

    const livingAnswers = new Map<string, number>();
    let hungWebhooks = 0;
    await steadily((perSecond / 5) * hangSeconds, perSecond / 5, async (index) => {
      const rule = index % rules;
      const subject = `hang-${rule}-${Math.floor(index / rules)}`;
      const at = await use(`hang_${rule}`, subject);
      for (let channel = rule * 5; channel < rule * 5 + 5; channel += 1) {
        if (hangs(channel)) hungWebhooks += 1;
        else livingAnswers.set(`${paths[channel]} ${subject}`, at);
      }
    });
    await arrivedAll([...livingAnswers.keys()], 10_000);
    const living = [...livingAnswers].map(
      ([key, at]) => (arrivals.get(key) ?? Number.POSITIVE_INFINITY) - at,
    );

    const baseline = await withoutLanes(receiver.url, paths, hangs, arrivals);

    const result = {
      bench: 'notify',
      storage: storage.kind,
      floor: summary(floor),
      steady: summary(steady),
      withHangingReceivers: { ...summary(living), channels, hangingChannels: channels / 5, hungWebhooks },
      withoutLanes: baseline,
    };
    console.table({
      'floor: bare POST': result.floor,
      [`${perSecond} crossings/s, one channel`]: result.steady,
      '1,000 channels, 200 hang: the others': summary(living),
    });
    console.log(
      `without lanes, after ${baseline.seconds} s: ${baseline.arrived} of ${baseline.expected} webhooks to living receivers had arrived`,
    );
    console.log(JSON.stringify(result));
  } finally {
    await controlPlane.kill();
    await receiver.close();
    await server?.drop();
    rmSync(directory, { recursive: true, force: true });
  }
};

/** The baseline: 50 senders that take from one queue in order, with the same timeout of 10 s; bounded to 5 s. */
const withoutLanes = async (
  url: string,
  paths: readonly string[],
  hangs: (index: number) => boolean,
  arrivals: ReadonlyMap<string, number>,
) => {
  const limitSeconds = 5;
  const end = AbortSignal.timeout(limitSeconds * 1_000);
  const queue = [...paths.keys()];
  const body = JSON.stringify({ data: { subject: { key: 'baseline' } } });
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      for (let index = queue.shift(); index !== undefined && !end.aborted; index = queue.shift()) {
        await fetch(`${url}${paths[index]}`, { method: 'POST', body, signal: end }).catch(() => undefined);
      }
    }),
  );
  const living = paths.filter((_, index) => !hangs(index));
  const arrived = living.filter((path) => arrivals.has(`${path} baseline`)).length;
  return { seconds: limitSeconds, expected: living.length, arrived };
};

run().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
