import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './support/eventually';
import { IngestSink } from './support/ingest-sink';
import { KongConnection } from './support/kong-client';
import { logEntry } from './support/log-entry';
import { PluginServerProcess } from './support/plugin-server-process';
import { temporaryDirectory } from './support/temporary-directory';

const token = 'ingest-token-1';
let sink: IngestSink;
let directory: string;
let socket: string;
let args: string[];

beforeEach(async () => {
  sink = await new IngestSink().start();
  directory = temporaryDirectory();
  socket = join(directory, 'tollgate.sock');
  args = ['--socket', socket, '--journal', join(directory, 'journal')];
});

afterEach(() => sink.stop());

const config = (changes: object = {}) => ({ ingest_endpoint: sink.endpoint, api_token: token, ...changes });

test('a logged request arrives as one CloudEvent with the bearer token', async () => {
  await PluginServerProcess.start([...args, '--source', 'gateway-1']);
  const kong = await KongConnection.open(socket);
  await kong.log(await kong.startInstance(config()), logEntry('r1'));
  await eventually('the event arrives', () => sink.taken.size === 1);
  const [request] = sink.requests;
  expect(request?.headers).toMatchObject({
    'content-type': 'application/cloudevents-batch+json',
    authorization: `Bearer ${token}`,
  });
  expect(request?.events).toEqual([
    {
      specversion: '1.0',
      id: 'r1',
      source: 'gateway-1',
      type: 'kong.api_request',
      subject: 'alice',
      time: '2026-11-21T08:22:03.462Z',
      datacontenttype: 'application/json',
      data: {
        client_ip: '127.0.0.1',
        request_host: 'gateway.test:8000',
        request_method: 'GET',
        request_uri: '/orders/1',
        request_size_bytes: 127,
        request_user_agent: 'test/1',
        response_size_bytes: 958,
        response_http_status: 200,
        route_id: '95a8204f-b0ca-5182-bfe2-54e7ada6bd2b',
        route_name: 'orders-v1',
        service_id: '580c8aca-d632-5804-b307-a24326e1e2d5',
        service_name: 'orders',
        service_port: 9901,
        service_protocol: 'http',
        upstream_status: 200,
        subject_type: 'consumer',
      },
    },
  ]);
  kong.close();
});

test('a step may arrive over another connection than the event it belongs to', async () => {
  await PluginServerProcess.start(args);
  const [one, two] = [await KongConnection.open(socket), await KongConnection.open(socket)];
  await one.log(await one.startInstance(config()), logEntry('r1'), two);
  await eventually('the event arrives', () => sink.taken.size === 1);
  one.close();
  two.close();
});

test('the events of many connections are gathered into few requests while one is under way', async () => {
  await PluginServerProcess.start(args);
  const connections = await Promise.all(Array.from({ length: 50 }, () => KongConnection.open(socket)));
  const instance = await connections[0]!.startInstance(config());
  await Promise.all(
    connections.map(async (kong, index) => {
      for (let count = 0; count < 20; count += 1) await kong.log(instance, logEntry(`r${index}-${count}`));
      kong.close();
    }),
  );
  await eventually('all events arrive', () => sink.taken.size === 1000);
  expect([...sink.taken.values()].every((times) => times === 1)).toBe(true);
  expect(sink.requests.length).toBeLessThan(500);
});

test('events acknowledged before kill -9 are delivered by the next run, before Kong says anything', async () => {
  await sink.stop();
  const first = await PluginServerProcess.start(args);
  const kong = await KongConnection.open(socket);
  const instance = await kong.startInstance(config());
  for (let count = 0; count < 30; count += 1) await kong.log(instance, logEntry(`r${count}`));
  await first.kill('SIGKILL');
  await sink.start();
  const env = { TOLLGATE_INGEST_ENDPOINT: sink.endpoint, TOLLGATE_API_TOKEN: token };
  await PluginServerProcess.start(args, env);
  await eventually('all events arrive', () => sink.taken.size === 30);
});

test('SIGTERM delivers what waits and exits with 0', async () => {
  const server = await PluginServerProcess.start(args);
  const kong = await KongConnection.open(socket);
  const instance = await kong.startInstance(config());
  await Promise.all(Array.from({ length: 20 }, (_, count) => kong.log(instance, logEntry(`r${count}`))));
  expect(await server.kill('SIGTERM')).toBe(0);
  expect(sink.taken.size).toBe(20);
});

test('SIGTERM with the control plane down ends in bounded time and leaves the events in the journal', async () => {
  await sink.stop();
  const server = await PluginServerProcess.start([...args, '--drain-ms', '50']);
  const kong = await KongConnection.open(socket);
  await kong.log(await kong.startInstance(config()), logEntry('r1'));
  expect(await server.kill('SIGTERM')).toBe(0);
  await sink.start();
  await PluginServerProcess.start(args);
  const again = await KongConnection.open(socket);
  await again.startInstance(config());
  await eventually('the event arrives', () => sink.taken.size === 1);
  again.close();
});

test('neither token nor credentials of a client are written to the journal or the log', async () => {
  await sink.stop();
  const server = await PluginServerProcess.start(args);
  const kong = await KongConnection.open(socket);
  const instance = await kong.startInstance(config());
  await kong.log(instance, logEntry('r1'));
  const journal = join(directory, 'journal', '1');
  const files = readdirSync(journal, { recursive: true, withFileTypes: true }).filter((file) =>
    file.isFile(),
  );
  const written = files.map((file) => readFileSync(join(file.parentPath, file.name), 'latin1')).join('');
  expect(written).toContain('"id":"r1"');
  for (const secret of [token, 'alice-key', 'in-the-query']) {
    expect(written).not.toContain(secret);
    expect(server.log).not.toContain(secret);
  }
  kong.close();
});

test('a wrong configuration is refused with the name of every field at fault', async () => {
  await PluginServerProcess.start(args);
  const kong = await KongConnection.open(socket);
  const attempt = kong.startInstance({ ingest_endpoint: 'tollgate:8080', queue: { max_batch_size: 0 } });
  await expect(attempt).rejects.toThrow(
    'tollgate: invalid configuration: config.ingest_endpoint must be an http:// or https:// URL such as ' +
      'http://tollgate:8080/api/v1/events; config.api_token is required; ' +
      'config.queue.max_batch_size must be a whole number from 1 to 1000000',
  );
  kong.close();
});

test('an instance that the server does not know is answered so that Kong starts it again', async () => {
  await PluginServerProcess.start(args);
  const kong = await KongConnection.open(socket);
  const { error } = await kong.request('plugin.HandleEvent', { InstanceId: 77, EventName: 'log' });
  expect(error).toMatch(/^no plugin instance/);
  kong.close();
});

test('a second server refuses the journal and the socket of the first', async () => {
  await PluginServerProcess.start(args);
  await expect(PluginServerProcess.start(args)).rejects.toThrow('another plugin server is listening');
  const elsewhere = ['--socket', join(directory, 'other.sock'), '--journal', join(directory, 'journal')];
  await expect(PluginServerProcess.start(elsewhere)).rejects.toThrow('another process is using the journal');
});
