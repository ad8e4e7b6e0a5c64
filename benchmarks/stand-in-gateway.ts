/**
 * How many requests the stand-in gateway proxies, against the least that a Node proxy can be (floor) and with each
 * thing it does added (no plugins, key-auth and acl, the metering plugin's log phase): `npm run bench:gateway
 * [-- --quick]`. Linux and loopback only, stops by itself. Requests per core are requests by processor seconds of
 * the gateway's process: on shared cores that figure holds still where requests per second do not.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { processorSeconds } from './plugin/process-usage';

const isQuick = process.argv.includes('--quick');
/** Counted, not timed: on a busy machine a timed warm-up would end before the code is compiled. */
const warmUpRequests = isQuick ? 6000 : 15_000;
const measuredRequests = isQuick ? 8000 : 40_000;
const longestMs = 60_000;
const connections = 32;
const root = join(__dirname, '..');
const directory = mkdtempSync(join(tmpdir(), 'gateway-bench-'));
const children: ChildProcess[] = [];

interface Figures {
  name: string;
  requestsPerSecond: number;
  requestsPerCore: number;
  failed: number;
  total: number;
}

/** Starts a script; resolves with its process and the first line it prints. */
async function start(script: string, ...args: string[]): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, script), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TOLLGATE_API_TOKEN: 'bench' },
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout! });
  const line = await new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code}`)));
  });
  return { child, line };
}

async function startPluginServer(): Promise<{ socket: string; info: string }> {
  const socket = join(directory, 'plugin.sock');
  const info = join(directory, 'info.json');
  const child = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      join(root, 'plugin/src/server/main.ts'),
      '--socket',
      socket,
      '--dump-info',
      info,
    ].concat(['--journal', join(directory, 'journal'), '--port', '0']),
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  children.push(child);
  const lines = createInterface({ input: child.stderr! });
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => line.includes('ready') && resolve());
    child.once('exit', (code) => reject(new Error(`the plugin server ended with ${code}`)));
  });
  return { socket, info };
}

function kongYml(upstreamUrl: string, plugins: readonly string[]): string {
  const file = join(directory, `kong-${plugins.length}.yml`);
  writeFileSync(
    file,
    `_format_version: "3.0"
services:
- {name: s, url: "${upstreamUrl}", routes: [{name: r, paths: [/api]}], plugins: [${plugins.join(', ')}]}
consumers:
- {username: ann, keyauth_credentials: [{key: ann-key}], acls: [{group: gold}]}
`,
  );
  return file;
}

/** Keeps `connections` requests under way until enough are answered, or a minute is over. */
function load(url: string, requests: number): Promise<{ total: number; failed: number; seconds: number }> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const startedAt = process.hrtime.bigint();
  const secondsSince = (): number => Number(process.hrtime.bigint() - startedAt) / 1e9;
  let begun = 0;
  let total = 0;
  let failed = 0;
  const worker = async (): Promise<void> => {
    while (begun < requests && secondsSince() * 1000 < longestMs) {
      begun += 1;
      const status = await new Promise<number>((resolve) => {
        http
          .get(`${url}/api`, { agent, headers: { apikey: 'ann-key' } }, (answer) => {
            answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
          })
          .on('error', () => resolve(0));
      });
      total += 1;
      if (status !== 200) failed += 1;
    }
  };
  return Promise.all(Array.from({ length: connections }, worker)).then(() => {
    agent.destroy();
    return { total, failed, seconds: secondsSince() };
  });
}

async function measure(name: string, script: string, args: string[]): Promise<Figures> {
  const { child, line } = await start(script, ...args);
  const url = line.startsWith('{') ? (JSON.parse(line) as { proxyUrl: string }).proxyUrl : line;
  const warmUp = await load(url, warmUpRequests);
  const usedBefore = processorSeconds(child.pid!);
  const { total, failed, seconds } = await load(url, measuredRequests);
  const used = processorSeconds(child.pid!) - usedBefore;
  return {
    name,
    requestsPerSecond: Math.round(total / seconds),
    requestsPerCore: Math.round(total / used),
    failed: failed + warmUp.failed,
    total: total + warmUp.total,
  };
}

/** Waits until all events are in, for at most ten seconds. */
async function countMetered(sinkUrl: string, expected: number): Promise<number> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const count = Number(await (await fetch(sinkUrl)).text());
    if (count >= expected || Date.now() > deadline) return count;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function main(): Promise<void> {
  const backend = 'benchmarks/stand-in-gateway/backend.ts';
  const gateway = 'stand-in-gateway/src/main.ts';
  const { line: upstreamUrl } = await start(backend, 'upstream');
  const { line: sinkUrl } = await start(backend, 'sink');
  const { socket, info } = await startPluginServer();
  const auth = ['{name: key-auth}', '{name: acl, config: {allow: [gold]}}'];
  const metering = `{name: tollgate, config: {ingest_endpoint: "${sinkUrl}", api_token: "{vault://env/TOLLGATE_API_TOKEN}"}}`;
  const withPlugin = ['--plugin-socket', socket, '--plugin-info', info];
  const bare = await measure('gateway, no plugins', gateway, ['--config', kongYml(upstreamUrl, [])]);
  const figures = [
    await measure('floor: bare node:http proxy', backend, ['floor', upstreamUrl]),
    bare,
    await measure('gateway, key-auth + acl', gateway, ['--config', kongYml(upstreamUrl, auth)]),
    await measure('gateway, key-auth + acl + metering', gateway, [
      '--config',
      kongYml(upstreamUrl, [...auth, metering]),
      ...withPlugin,
    ]),
  ];
  const metered = figures.at(-1)!;
  const events = await countMetered(sinkUrl, metered.total);
  console.table(figures);
  const floor = figures[0]!;
  console.log(
    JSON.stringify({
      bench: 'stand-in-gateway',
      requestsPerCore: metered.requestsPerCore,
      requestsPerSecond: metered.requestsPerSecond,
      ofFloor: Number((metered.requestsPerCore / floor.requestsPerCore).toFixed(2)),
      ofBare: Number((metered.requestsPerCore / bare.requestsPerCore).toFixed(2)),
      requests: metered.total,
      metered: events,
      failed: figures.reduce((sum, { failed }) => sum + failed, 0),
    }),
  );
  if (events !== metered.total) process.exitCode = 1;
}

main()
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => {
    for (const child of children) child.kill('SIGTERM');
    rmSync(directory, { recursive: true, force: true });
  });
