import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { messageLength } from '../src/server/message-length';
import { eventually } from './support/eventually';
import { IngestSink } from './support/ingest-sink';
import { KongConnection } from './support/kong-client';
import { PluginServerProcess } from './support/plugin-server-process';
import { temporaryDirectory } from './support/temporary-directory';

interface Recorded {
  readonly from: 'kong' | 'plugin-server';
  readonly message: [number, number, string, [Record<string, unknown>]];
  readonly bytes?: string;
}

/** Every MessagePack message between Kong 3.9.3 and a log-phase plugin; see the requests in the names below. */
const recorded = readFileSync(join(__dirname, 'fixtures/kong-3.9-log-phase.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded);

const fromKong = recorded.filter(({ from }) => from === 'kong');
const frames = fromKong.flatMap(({ bytes }) => (bytes ? [Buffer.from(bytes, 'base64')] : []));
const serialized = fromKong
  .map(({ message }) => message[3]?.[0]?.Data)
  .filter((data): data is string => typeof data === 'string' && data.startsWith('{'));

test('the recording has what this test is about', () => {
  const statuses = serialized.map(
    (text) => (JSON.parse(text) as { response: { status: number } }).response.status,
  );
  expect(statuses).toEqual([200, 403, 429, 401, 200, 502, 403]);
  expect(frames.length).toBeGreaterThan(40);
});

test("Kong's frames are told apart wherever the stream is cut", () => {
  const stream = Buffer.concat(frames);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 50 }), (sizes) => {
      const found: Buffer[] = [];
      let pending = Buffer.alloc(0);
      for (let at = 0, turn = 0; at < stream.length; turn += 1) {
        const size = sizes[turn % sizes.length] as number;
        pending = Buffer.concat([pending, stream.subarray(at, at + size)]);
        at += size;
        for (let length = messageLength(pending, 0); length !== undefined && pending.length > 0; ) {
          found.push(pending.subarray(0, length));
          pending = pending.subarray(length);
          length = messageLength(pending, 0);
        }
      }
      expect(found.map((frame) => frame.toString('base64'))).toEqual(
        frames.map((frame) => frame.toString('base64')),
      );
    }),
    { numRuns: 30 },
  );
  expect(frames.every((frame) => Array.isArray(decode(frame)))).toBe(true);
});

describe('a plugin server that is told what a real Kong said', () => {
  let sink: IngestSink;
  let kong: KongConnection;

  beforeEach(async () => {
    sink = await new IngestSink().start();
    const directory = temporaryDirectory();
    const socket = join(directory, 's.sock');
    await PluginServerProcess.start([
      '--socket',
      socket,
      '--journal',
      join(directory, 'j'),
      '--source',
      'gateway-1',
    ]);
    kong = await KongConnection.open(socket);
  });

  afterEach(async () => {
    kong.close();
    await sink.stop();
  });

  const recordedConfig = (): Record<string, unknown> =>
    JSON.parse(String(fromKong[0]?.message[3][0].Config)) as Record<string, unknown>;

  async function replay(changes: object): Promise<void> {
    const config = { ...recordedConfig(), ingest_endpoint: sink.endpoint, api_token: 'token', ...changes };
    const instance = await kong.startInstance(config);
    for (const text of serialized) await kong.log(instance, text);
  }

  test('meters the one request that a consumer got through, and none of 401, 403, 429 and 502', async () => {
    await replay({});
    await eventually('the event arrives', () => sink.taken.size > 0);
    expect(sink.requests.flatMap(({ events }) => events)).toEqual([
      {
        specversion: '1.0',
        id: 'dd35ac2f866f0978e3e446668234ea74',
        source: 'gateway-1',
        type: 'kong.api_request',
        subject: 'alice',
        time: '2026-11-21T08:22:03.462Z',
        datacontenttype: 'application/json',
        data: {
          client_ip: '127.0.0.1',
          request_host: '127.0.0.1:8000',
          request_method: 'GET',
          request_uri: '/orders/1',
          request_size_bytes: 127,
          request_user_agent: 'curl/7.88.1',
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
  });

  test('meters refused requests too when it is told to count any source', async () => {
    await replay({ counted_source: 'any' });
    await eventually('the events arrive', () => sink.taken.size === 5);
    const events = sink.requests.flatMap((request) => request.events) as {
      subject: string;
      data: { response_http_status: number };
    }[];
    expect(events.map(({ subject, data }) => `${subject} ${data.response_http_status}`).sort()).toEqual([
      'alice 200',
      'alice 403',
      'alice 502',
      'bob 403',
      'carol 429',
    ]);
  });
});
