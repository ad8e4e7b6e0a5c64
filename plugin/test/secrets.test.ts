import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './support/eventually';
import { IngestSink } from './support/ingest-sink';
import { KongConnection } from './support/kong-client';
import { logEntry } from './support/log-entry';
import { PluginServerProcess } from './support/plugin-server-process';
import { temporaryDirectory } from './support/temporary-directory';

const planted = {
  apikey: 'planted-api-key',
  authorization: 'Bearer planted-bearer',
  'proxy-authorization': 'Basic planted-basic',
  cookie: 'session=planted-cookie',
  'x-api-key': 'planted-x-api-key',
};

function filesBelow(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => readFileSync(join(file.parentPath, file.name), 'latin1'))
    .join('\n');
}

test('no credential of a client or of ours is in an event, the journal, a dead letter, a log line or a metric', async () => {
  const sink = await new IngestSink().start();
  const directory = temporaryDirectory();
  const socket = join(directory, 's.sock');
  const journal = join(directory, 'j');
  const server = await PluginServerProcess.start(['--socket', socket, '--journal', journal]);
  const kong = await KongConnection.open(socket);
  const config = {
    ingest_endpoint: sink.endpoint,
    api_token: 'planted-ingest-token',
    attributes: [{ source: 'header', look_up_value_in: 'x-tenant-id', event_property_name: 'tenant' }],
  };
  const request = {
    id: 'r1',
    method: 'GET',
    uri: '/orders?apikey=planted-in-uri',
    url: 'http://gateway.test/orders?apikey=planted-in-url',
    querystring: { apikey: 'planted-in-query' },
    headers: { host: 'gateway.test', 'x-tenant-id': 't-1', ...planted },
  };
  const response = { status: 200, size: 1, headers: { 'set-cookie': 'session=planted-set-cookie' } };

  // One event is taken, one is refused into the dead-letter file, one stays behind an endpoint that refuses us.
  const instance = await kong.startInstance(config);
  await kong.log(instance, logEntry('r1', { request, response }));
  await eventually('the first arrives', () => sink.requests.length === 1);
  sink.respond = () => ({ status: 400, body: '{}' });
  await kong.log(instance, logEntry('r2', { request: { ...request, id: 'r2' }, response }));
  await eventually('the second is refused', () => sink.requests.length === 2);
  sink.respond = () => ({ status: 401 });
  await kong.log(instance, logEntry('r3', { request: { ...request, id: 'r3' }, response }));
  await eventually('the third is refused', () => sink.requests.length === 3);
  const broken = '{"request":{"headers":{"apikey":"planted-in-broken-json"';
  await expect(kong.log(instance, broken)).rejects.toThrow('not JSON');
  await expect(kong.startInstance({ ...config, ingest_endpoint: 'planted-endpoint' })).rejects.toThrow(
    'ingest_endpoint',
  );

  const metrics = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
  const bodies = sink.requests.map(({ body }) => body).join('\n');
  const written = filesBelow(journal);
  expect(bodies).toContain('"tenant":"t-1"');
  expect(written).toContain('"refusedAt"');
  expect(server.log).toContain('check ingest_endpoint and api_token');
  for (const place of [bodies, written, server.log, metrics]) expect(place).not.toContain('planted');
  kong.close();
  await sink.stop();
});
