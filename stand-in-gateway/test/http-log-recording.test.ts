import { startStandInGateway } from '../src/index';
import { eventually } from './support/eventually';
import { jsonFixture, recordedConfig, recordedPluginInfo } from './support/fixtures';
import { normalise } from './support/normalise';
import { rawRequest } from './support/raw-request';
import { closedPort, startUpstream } from './support/upstream-server';

type Entry = Record<string, Record<string, unknown>>;

/** What differs for reasons outside the gateway: random credential ids, the recorded upstream's own answers. */
function comparable(entry: Entry, upstreamPort: number): unknown {
  const text = JSON.stringify(normalise(entry), function (this: Record<string, unknown>, key, value) {
    if (key === 'authenticated_entity') return 'credential';
    if (key === 'port' && value === upstreamPort) return 9901;
    if (key === 'tags') return undefined;
    if (key === 'response' && this.source === 'upstream') {
      return { ...value, size: 'size', headers: { ...value.headers, 'content-length': 'size' } };
    }
    return value;
  });
  return JSON.parse(text);
}

test('http-log posts the batch that the recorded Kong posted', async () => {
  const [recorded] =
    jsonFixture<
      { request: { method: string; path: string; headers: Record<string, string> }; body: Entry[] }[]
    >('http-log-requests.json');
  const upstream = await startUpstream();
  const receiver = await startUpstream();
  const httpLog = `  - name: http-log
    config:
      http_endpoint: http://127.0.0.1:${receiver.port}${recorded!.request.path}
      headers: { authorization: Bearer t }
      queue: { max_batch_size: 5, max_coalescing_delay: 60 }
  - name: acl`;
  const config = recordedConfig({ upstream: upstream.port, closed: await closedPort() })
    .replace('  - name: acl', httpLog)
    .replace(/ {2}- name: guard\n.*\n/, '')
    .replaceAll(/ {2}- name: meter\n.*\n/g, '');
  const gateway = await startStandInGateway({
    config,
    pluginServers: [{ socketPath: '/none', info: recordedPluginInfo('meter') }],
  });
  const base = { Host: '127.0.0.1:8000', 'User-Agent': 'curl/7.88.1', Accept: '*/*' };
  const form = { 'Content-Length': '3', 'Content-Type': 'application/x-www-form-urlencoded' };
  try {
    const url = gateway.proxyUrl;
    await rawRequest(url, 'GET /orders/1?x=1', { ...base, apikey: 'alice-key' });
    await rawRequest(url, 'GET /orders/1?x=1', { ...base, apikey: 'alice-key' });
    await rawRequest(url, 'GET /orders/1?x=1', { ...base, apikey: 'bob-key' });
    await rawRequest(url, 'GET /orders/1', base);
    await rawRequest(url, 'POST /orders/2', { ...base, apikey: 'alice-key', ...form }, 'a=b');
    await eventually(
      () => receiver.received.length,
      (count) => count === 1,
    );
    const [posted] = receiver.received;
    expect(posted).toMatchObject(
      recorded!.request.headers ? { method: 'POST', url: recorded!.request.path } : {},
    );
    expect(posted!.headers).toMatchObject(recorded!.request.headers);
    const entries = JSON.parse(posted!.body) as Entry[];
    expect(entries.map((entry) => comparable(entry, upstream.port))).toEqual(
      recorded!.body.map((entry) => comparable(entry, 9901)),
    );
  } finally {
    await gateway.close();
    await Promise.all([upstream.close(), receiver.close()]);
  }
});
