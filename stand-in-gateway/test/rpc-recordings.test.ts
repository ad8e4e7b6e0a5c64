import { decode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { startStandInGateway } from '../src/index';
import { encodeMessage } from '../src/plugin-server/encode-message';
import { eventually } from './support/eventually';
import { fixture, recordedConfig, recordedPluginInfo } from './support/fixtures';
import { normalise } from './support/normalise';
import { type PluginServerDouble, type RpcRequest, startPluginServer } from './support/plugin-server-double';
import { rawRequest } from './support/raw-request';
import { closedPort, startUpstream } from './support/upstream-server';

interface Recorded {
  from: 'kong' | 'plugin-server';
  message: unknown[];
  bytes?: string;
}

function recordings(name: string): Recorded[] {
  return fixture(name)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** A server that says what the recorded one said, in its order. */
function replaying(recorded: readonly Recorded[]): Promise<PluginServerDouble> {
  const answers = recorded.filter(({ from }) => from === 'plugin-server').map(({ message }) => message);
  return startPluginServer(() => {
    const [, , error, result] = answers.shift() ?? [1, 0, 'nothing more was recorded', null];
    return { ...(error === null ? {} : { error: String(error) }), result };
  });
}

const random = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The texts inside messages are JSON in any key order; ids of credentials are random at each load. */
function comparable(
  [type, id, method, args]: unknown[] | RpcRequest,
  ports: Record<number, number>,
): unknown {
  const opened = (args as unknown[]).map((argument) =>
    typeof argument === 'object' && argument !== null
      ? Object.fromEntries(
          Object.entries(argument).map(([key, value]) => [
            key,
            typeof value === 'string' && value.startsWith('{') ? JSON.parse(value) : value,
          ]),
        )
      : argument,
  );
  const text = JSON.stringify(normalise(opened), (key, value) => {
    if (key === 'port' && ports[value] !== undefined) return ports[value];
    if (key === 'id' && typeof value === 'string' && random.test(value)) return 'random';
    return value;
  });
  return [type, id, method, JSON.parse(text)];
}

const host = { Host: '127.0.0.1:8000' };
const curl = { 'User-Agent': 'curl/7.88.1', Accept: '*/*' };

test('the frames of both phases are those that the recorded Kong sent', async () => {
  const logRecorded = recordings('rpc-log-phase.jsonl').slice(0, 90);
  const accessRecorded = recordings('rpc-access-phase.jsonl');
  expect(logRecorded.at(-1)?.message).toEqual([1, 45, null, { Data: 'ret', EventId: 19 }]);
  const upstream = await startUpstream((_request, response) => {
    response.sendDate = true;
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': 2,
      Connection: 'keep-alive',
    });
    response.end('{}');
  });
  const closed = await closedPort();
  const meter = await replaying(logRecorded);
  const guard = await replaying(accessRecorded);
  const config = recordedConfig({ upstream: upstream.port, closed });
  const gateway = await startStandInGateway({
    config,
    propagationMs: 0,
    pluginServers: [
      { socketPath: meter.socketPath, info: recordedPluginInfo('meter') },
      { socketPath: guard.socketPath, info: recordedPluginInfo('guard') },
    ],
  });
  const settled = () =>
    eventually(
      () => gateway.stats.unfinishedLogEvents,
      (count) => count === 0,
    );
  const request = async (line: string, headers: Record<string, string>, body?: string): Promise<number> => {
    const { status } = await rawRequest(gateway.proxyUrl, line, headers, body);
    await settled();
    return status;
  };
  const get = (line: string, key: string) => request(line, { ...host, ...curl, apikey: key });
  try {
    const tenant = { ...host, ...curl, apikey: 'alice-key', 'X-Tenant-Id': 't-1' };
    const statuses = [
      await request('GET /orders/1?x=1', tenant),
      await get('GET /orders/1', 'bob-key'),
      await get('GET /orders/1', 'carol-key'),
      await request('GET /orders/1', { ...host, ...curl }),
      await request(
        'POST /public/x',
        { ...host, ...curl, 'Content-Length': '3', 'Content-Type': 'application/x-www-form-urlencoded' },
        'a=b',
      ),
      await get('GET /broken/x', 'alice-key'),
    ];
    expect(statuses).toEqual([200, 403, 429, 401, 200, 502]);
    const sent = [...meter.requests];
    for (let reload = 0; reload < 3; reload += 1) {
      const answer = await fetch(`${gateway.adminUrl}/config`, {
        method: 'POST',
        body: JSON.stringify({ config }),
        headers: { 'content-type': 'application/json' },
      });
      expect(answer.status).toBe(201);
      await get('GET /orders/1', 'alice-key');
    }
    const ports = { [upstream.port]: 9901, [closed]: 9999 };
    const fromKong = (recorded: Recorded[]) =>
      recorded.filter(({ from }) => from === 'kong').map(({ message }) => message);
    const same = (message: unknown[]) => withoutSizes(comparable(message, ports));
    expect(sent.map(same)).toEqual(fromKong(logRecorded).map(same));
    expect(guard.requests.map(same)).toEqual(fromKong(accessRecorded).map(same));
  } finally {
    await gateway.close();
    await Promise.all([upstream.close(), meter.close(), guard.close()]);
  }
});

/** The echoing upstream of the recordings is not ours, so the length of its answers is its own. */
function withoutSizes(message: unknown): unknown {
  const text = JSON.stringify(message, function (this: Record<string, unknown>, key, value) {
    const isUpstreams = this.source === 'upstream' && key === 'response';
    return isUpstreams
      ? { ...value, size: 'size', headers: { ...value.headers, 'content-length': 'size' } }
      : value;
  });
  return JSON.parse(text);
}

test('every recorded frame of Kong is encoded to the same bytes again', () => {
  const frames = [...recordings('rpc-log-phase.jsonl'), ...recordings('rpc-access-phase.jsonl')].filter(
    ({ from, bytes }) => from === 'kong' && bytes,
  );
  expect(frames.length).toBeGreaterThan(50);
  for (const { bytes } of frames) {
    const recorded = Buffer.from(bytes!, 'base64');
    expect(Buffer.from(encodeMessage(decode(recorded))).equals(recorded)).toBe(true);
  }
});

test('whatever is encoded is decoded to the same value', () => {
  const value = fc.jsonValue({ maxDepth: 4 }).filter((json) => !JSON.stringify(json).includes('__proto__'));
  const message = fc.oneof(
    value,
    fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
    fc.string({ minLength: 30, maxLength: 70_000 }),
    fc.array(fc.nat(), { minLength: 14, maxLength: 40 }),
  );
  fc.assert(
    fc.property(message, (given) => {
      expect(decode(encodeMessage(given))).toEqual(JSON.parse(JSON.stringify(given)));
    }),
  );
});
