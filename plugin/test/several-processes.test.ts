import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './support/eventually';
import { IngestSink } from './support/ingest-sink';
import { KongConnection } from './support/kong-client';
import { logEntry } from './support/log-entry';
import { PluginServerProcess } from './support/plugin-server-process';
import { temporaryDirectory } from './support/temporary-directory';

let sink: IngestSink;
let directory: string;
let socket: string;
let args: string[];

beforeEach(async () => {
  sink = await new IngestSink().start();
  directory = temporaryDirectory();
  socket = join(directory, 's.sock');
  args = ['--socket', socket, '--journal', join(directory, 'j')];
});

afterEach(() => sink.stop());

const config = () => ({ ingest_endpoint: sink.endpoint, api_token: 'token' });

const connect = (count: number) =>
  Promise.all(Array.from({ length: count }, () => KongConnection.open(socket)));

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('every process serves an instance that another was told to start, each step wherever it arrives', async () => {
  const server = await PluginServerProcess.start([...args, '--processes', '2']);
  const connections = await connect(8);
  const instance = await connections[0]!.startInstance(config());
  await Promise.all(
    connections.map(async (kong, index) => {
      for (let count = 0; count < 25; count += 1) {
        await kong.log(instance, logEntry(`r${index}-${count}`), connections[(index + count) % 8]);
      }
    }),
  );
  await eventually('all events arrive', () => sink.taken.size === 200);
  expect([...sink.taken.values()].every((times) => times === 1)).toBe(true);
  expect(readdirSync(join(directory, 'j')).sort()).toEqual(['1', '2']);
  const health = await server.health();
  expect(health.healthy).toBe(true);
  expect(health.processes.map(({ instances }) => instances)).toEqual([1, 1]);
  const metrics = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
  expect(metrics).toMatch(/^tollgate_events_journaled_total 200$/m);
  expect(metrics).toMatch(/^tollgate_queue_depth 0$/m);
  for (const kong of connections) kong.close();
  expect(await server.kill('SIGTERM')).toBe(0);
});

test('an instance that Kong closed is unknown to every process', async () => {
  await PluginServerProcess.start([...args, '--processes', '2']);
  const [one, two] = (await connect(2)) as [KongConnection, KongConnection];
  const instance = await one.startInstance(config());
  await one.call('plugin.CloseInstance', instance);
  for (const kong of [one, two]) {
    const { error } = await kong.request('plugin.HandleEvent', { InstanceId: instance, EventName: 'log' });
    expect(error).toMatch(/^no plugin instance/);
    kong.close();
  }
});

test('a process that is killed is started again, knows the instances and delivers what it had taken', async () => {
  await sink.stop();
  const server = await PluginServerProcess.start([...args, '--processes', '2']);
  const connections = await connect(4);
  const instance = await connections[0]!.startInstance(config());
  await Promise.all(connections.map((kong, index) => kong.log(instance, logEntry(`r${index}`))));
  for (const { pid } of (await server.health()).processes) process.kill(pid, 'SIGKILL');
  await sink.start();
  await eventually('all arrive', () => sink.taken.size === 4);
  expect(server.log.split('is started again')).toHaveLength(3);
  const [again] = await connect(1);
  await again!.log(instance, logEntry('r-again'));
  await eventually('the new event arrives', () => sink.taken.size === 5);
});

test('fewer processes than before deliver what the others left', async () => {
  await sink.stop();
  const first = await PluginServerProcess.start([...args, '--processes', '3']);
  const connections = await connect(6);
  const instance = await connections[0]!.startInstance(config());
  await Promise.all(connections.map((kong, index) => kong.log(instance, logEntry(`r${index}`))));
  const { processes } = await first.health();
  await first.kill('SIGKILL');
  await sink.start();
  const env = { TOLLGATE_INGEST_ENDPOINT: sink.endpoint, TOLLGATE_API_TOKEN: 'token' };
  await eventually('the first server is gone', () => !processes.some(({ pid }) => isRunning(pid)));
  const second = await PluginServerProcess.start(args, env);
  await eventually('all events arrive', () => sink.taken.size === 6);
  expect(second.log).toContain('events of processes that are no more will be delivered');
});
