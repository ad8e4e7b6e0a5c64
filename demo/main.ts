import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, startChild } from './child-process';
import { type ControlPlaneClient, controlPlaneClient } from './control-plane-client';
import { createProgress, progressLine, timelineLine } from './display';
import { fillDashboard } from './fill-dashboard';
import { freePorts } from './free-ports';
import { type ConsumerTraffic, consumerTraffic, startTraffic } from './traffic';
import { startUpstream, type Upstream } from './upstream';
import { startWebhookReceiver, type WebhookReceiver } from './webhook-receiver';

const root = join(__dirname, '..');
const webhookSecret = `whsec_${Buffer.from('a secret of the demo, 32 bytes..').toString('base64')}`;
const apiToken = 'tg_demo_token_on_loopback_only';

/** Seconds from the first request until the usage period of the consumer that overruns ends. */
const periodSeconds = 16;
const settleSeconds = 4;
/** The demo never runs longer than this, whatever goes wrong. */
const limitMs = 110_000;

interface Setting {
  controlPlaneUrl: string;
  proxyUrl: string;
  adminUrl: string;
  children: Child[];
  upstream: Upstream;
  receiver: WebhookReceiver;
  client: ControlPlaneClient;
  folder: string;
}

const say = (text = ''): void => {
  process.stdout.write(`${text}\n`);
};

/** Whatever ends the demo early must leave no process behind. */
const children: Child[] = [];
process.once('exit', () => {
  for (const child of children) child.process.kill('SIGKILL');
});

/** Starts everything on free loopback ports. */
const startEverything = async (folder: string): Promise<Setting> => {
  const ports = await freePorts(5);
  const [controlPort, proxyPort, adminPort, upstreamPort, receiverPort] = ports as [
    number,
    number,
    number,
    number,
    number,
  ];
  const controlPlaneUrl = `http://127.0.0.1:${controlPort}`;
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  const log = (name: string): string => join(folder, `${name}.log`);

  const upstream = await startUpstream(upstreamPort);
  const receiver = await startWebhookReceiver(receiverPort, webhookSecret);
  const socket = join(folder, 'plugin.sock');
  const info = join(folder, 'plugin.info.json');
  const kongFile = join(folder, 'kong.yml');
  writeFileSync(
    kongFile,
    readFileSync(join(root, 'kong.yml'), 'utf8')
      .replaceAll('http://127.0.0.1:9901', `http://127.0.0.1:${upstreamPort}`)
      .replaceAll('http://127.0.0.1:8888', controlPlaneUrl),
  );

  const gateway = async (): Promise<void> => {
    children.push(
      await startChild({
        name: 'plugin server',
        script: 'plugin/src/server/main.ts',
        args: ['--socket', socket, '--dump-info', info, '--journal', join(folder, 'journal'), '--port', '0'],
        logFile: log('plugin-server'),
        isReady: (output) => output.includes('the plugin server is ready'),
      }),
    );
    children.push(
      await startChild({
        name: 'gateway',
        script: 'stand-in-gateway/src/main.ts',
        args: [
          '--config',
          kongFile,
          '--mode',
          'postgres',
          '--proxy-port',
          String(proxyPort),
          '--admin-port',
          String(adminPort),
          '--plugin-socket',
          socket,
          '--plugin-info',
          info,
        ],
        env: { TOLLGATE_API_TOKEN: apiToken },
        logFile: log('gateway'),
        isReady: (output) => output.includes('adminUrl'),
      }),
    );
  };
  const controlPlane = async (): Promise<void> => {
    children.push(
      await startChild({
        name: 'control plane',
        script: 'control-plane/src/main.ts',
        env: {
          DATABASE_URL: '',
          REDIS_URL: '',
          TOLLGATE_PORT: String(controlPort),
          TOLLGATE_API_TOKEN: apiToken,
          TOLLGATE_DATA_DIRECTORY: join(folder, 'control-plane'),
          TOLLGATE_CONFIG: join(root, 'tollgate.yml'),
          TOLLGATE_ALLOW_PRIVATE_WEBHOOK_DESTINATIONS: 'true',
          KONG_ADMIN_URL: adminUrl,
          WEBHOOK_URL: receiver.url,
          WEBHOOK_SECRET: webhookSecret,
        },
        logFile: log('control-plane'),
        isReady: (output) => output.includes('tollgate is ready'),
      }),
    );
  };
  await Promise.all([gateway(), controlPlane()]);
  return {
    controlPlaneUrl,
    proxyUrl: `http://127.0.0.1:${proxyPort}`,
    adminUrl,
    children,
    upstream,
    receiver,
    client: controlPlaneClient(controlPlaneUrl, apiToken),
    folder,
  };
};

/** Entitles both consumers; the first one's period ends soon, so that the reset can be watched. */
const entitle = async (
  client: ControlPlaneClient,
  consumers: readonly ConsumerTraffic[],
  resetAt: number,
): Promise<void> => {
  for (const { name, allowance } of consumers) {
    await client.post(`/api/v1/subjects/${name}/entitlements`, {
      type: 'metered',
      featureKey: 'api-requests',
      issueAfterReset: allowance,
      usagePeriod: { interval: 'DAY', anchor: new Date(resetAt).toISOString() },
    });
  }
};

interface Usage {
  data: { value: number }[];
}

const metered = async (client: ControlPlaneClient, consumer: string): Promise<number> => {
  const usage = await client.get<Usage>(`/api/v1/meters/api_requests/query?subject=${consumer}`);
  return usage.data.reduce((sum, row) => sum + row.value, 0);
};

const used = async (client: ControlPlaneClient, consumer: string): Promise<number> => {
  const value = await client.get<{ usage: number }>(
    `/api/v1/subjects/${consumer}/entitlements/api-requests/value`,
  );
  return value.usage;
};

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Sends the traffic and shows it until the period has been reset and the consumer has been served again. */
const watch = async (
  setting: Setting,
  consumers: readonly ConsumerTraffic[],
  endsAt: number,
): Promise<void> => {
  const traffic = startTraffic(setting.proxyUrl, consumers);
  const progress = createProgress(process.stdout);
  while (Date.now() < endsAt) {
    const usage = await Promise.all(consumers.map(({ name }) => used(setting.client, name)));
    progress.show(consumers.map((consumer, index) => progressLine(consumer, usage[index]!)));
    await pause(200);
  }
  await traffic.stop();
};

/** Waits until the meter has caught up with the gateway, or a few seconds have shown that it does not. */
const settled = async (
  { client, upstream }: Setting,
  consumers: readonly ConsumerTraffic[],
): Promise<Map<string, number>> => {
  const end = Date.now() + 10_000;
  for (;;) {
    const counts = new Map<string, number>();
    for (const { name } of consumers) counts.set(name, await metered(client, name));
    const isEven = consumers.every(({ name }) => counts.get(name) === (upstream.served.get(name) ?? 0));
    if (isEven || Date.now() > end) return counts;
    await pause(50);
  }
};

interface Step {
  at: number | undefined;
  text: string;
}

const deliveryAt = (
  { deliveries }: WebhookReceiver,
  consumer: string,
  threshold: string,
): number | undefined =>
  deliveries.find((delivery) => delivery.subject === consumer && delivery.threshold?.startsWith(threshold))
    ?.arrivedAt;

interface LogEntry {
  at: string;
  consumer: string | null;
  access: 'in' | 'out';
  outcome: string;
}

/** When the control plane took the consumer out of its group and put it back, from its audit log. */
const accessSteps = async (
  client: ControlPlaneClient,
  consumer: string,
): Promise<{ out?: number; back?: number }> => {
  const log = await client.get<{ items: LogEntry[] }>(
    `/api/v1/access/log?search=${consumer}&outcome=done&limit=100`,
  );
  const changes = log.items
    .filter((entry) => entry.consumer === consumer)
    .map((entry) => ({ access: entry.access, at: Date.parse(entry.at) }))
    .sort((a, b) => a.at - b.at);
  const out = changes.find((change) => change.access === 'out')?.at;
  const back = changes.find((change) => change.access === 'in' && out !== undefined && change.at > out)?.at;
  return { ...(out ? { out } : {}), ...(back ? { back } : {}) };
};

const printTimeline = (steps: readonly Step[]): void => {
  let before: number | undefined;
  for (const { at, text } of steps) {
    if (at === undefined) {
      say(`  --:--:--.---              ${text}: not seen`);
      continue;
    }
    say(timelineLine(at, before === undefined ? undefined : at - before, text));
    before = at;
  }
};

const run = async (): Promise<number> => {
  const keep = process.argv.includes('--keep');
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-demo-'));
  say('Starting control plane, plugin server, gateway and upstream on loopback ...');
  const setting = await startEverything(folder);
  const acme = consumerTraffic('acme-inc', 'acme-key', 40, 400);
  const globex = consumerTraffic('globex', 'globex-key', 40, 5_000);
  const consumers = [acme, globex];
  const resetAt = Date.now() + periodSeconds * 1_000;
  await entitle(setting.client, consumers, resetAt);
  say(
    `Two consumers, ${acme.rate} requests a second each; the period of both ends at ${new Date(resetAt).toISOString().slice(11, 19)} UTC.\n`,
  );

  await watch(setting, consumers, resetAt + settleSeconds * 1_000);
  const counts = await settled(setting, consumers);
  const access = await accessSteps(setting.client, acme.name);

  const steps: Step[] = [
    {
      at: deliveryAt(setting.receiver, acme.name, '80'),
      text: 'acme-inc: the 80 % warning arrived at its webhook',
    },
    { at: deliveryAt(setting.receiver, acme.name, '100'), text: 'acme-inc: the 100 % notice arrived' },
    { at: access.out, text: 'acme-inc: taken out of orders-access' },
    { at: acme.firstRefusalAt, text: 'acme-inc: first 403' },
    { at: resetAt, text: 'the usage period ended' },
    { at: access.back, text: 'acme-inc: back in orders-access' },
    { at: acme.firstServedAfterRefusalAt, text: 'acme-inc: first 200 again' },
  ];
  say('\nTimeline');
  printTimeline(steps);

  const checks: [string, boolean][] = [
    ...steps.map(({ at, text }): [string, boolean] => [text, at !== undefined]),
    ...consumers.map(({ name }): [string, boolean] => [
      `${name}: ${counts.get(name)} requests metered, ${setting.upstream.served.get(name) ?? 0} served by the gateway`,
      counts.get(name) === (setting.upstream.served.get(name) ?? 0),
    ]),
    ['globex was never refused', !globex.answers.has(403)],
    ['no request failed', acme.failures + globex.failures === 0],
    ['every webhook was signed right', setting.receiver.refused() === 0],
  ];
  say('\nChecks');
  for (const [text, holds] of checks) say(`  ${holds ? 'ok  ' : 'FAIL'}  ${text}`);
  const failed = checks.filter(([, holds]) => !holds).length;
  say(failed === 0 ? '\nEverything holds.' : `\n${failed} checks failed; logs are in ${folder}`);

  if (keep) await leaveRunning(setting);
  await stopEverything(setting);
  if (failed === 0) rmSync(folder, { recursive: true, force: true });
  return failed === 0 ? 0 : 1;
};

const leaveRunning = async (setting: Setting): Promise<void> => {
  const tokenFile = join(setting.folder, 'token');
  writeFileSync(tokenFile, `${apiToken}\n`, { mode: 0o600 });
  say('\nFilling the dashboard with more customers, a plan and their usage ...');
  const { token: portalToken } = await fillDashboard({ ...setting.client, now: Date.now });
  const portalFile = join(setting.folder, 'portal-token');
  writeFileSync(portalFile, `${portalToken}\n`, { mode: 0o600 });
  const consumers = [
    consumerTraffic('acme-inc', 'acme-key', 1, 400),
    consumerTraffic('globex', 'globex-key', 3, 5_000),
  ];
  const traffic = startTraffic(setting.proxyUrl, consumers);
  say(`
Left running until Ctrl+C, with a little traffic of both consumers:
  dashboard          ${setting.controlPlaneUrl}
                     sign in with the token in ${tokenFile}
                     as the customer acme-inc: with the one in ${portalFile}
  API                ${setting.controlPlaneUrl}/docs
  gateway            ${setting.proxyUrl}/orders/1   header apikey: acme-key or globex-key
  Kong Admin API     ${setting.adminUrl}
  logs               ${setting.folder}`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  await traffic.stop();
};

const stopEverything = async ({ children, upstream, receiver }: Setting): Promise<void> => {
  for (const child of [...children].reverse()) await child.stop();
  await upstream.close();
  await receiver.close();
};

const limit = process.argv.includes('--keep')
  ? undefined
  : setTimeout(() => {
      appendFileSync(2, `the demo did not end within ${limitMs / 1_000} s\n`);
      process.exit(1);
    }, limitMs);

run().then(
  (status) => {
    clearTimeout(limit);
    process.exit(status);
  },
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
