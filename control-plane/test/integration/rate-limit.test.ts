import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRedis } from '../../src/storage/redis/open-redis';
import type { SharedCounters } from '../../src/storage/redis/shared-counters';
import { createRequestLimiter, type RequestLimiter } from '../../src/tokens/rate-limit/request-limiter';
import { cloudEvent } from '../support/cloud-events';
import { describeWithRedis, type RedisServer, startRedisServer } from '../support/redis-server';
import { type TestDatabase, testStorages } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

const capacity = 10;
/** So slow that nothing runs out during a test. */
const limits = { perSecond: 0.001, capacity };

describe('requests of one token above its limit', () => {
  let opened: TestDatabase;
  let app: TestApp;
  beforeAll(async () => {
    opened = await testStorages[0]!.open();
    app = await startTestApp(opened.database, { configuration: { rateLimitPerSecond: 1 } });
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  const until429 = async (send: () => Promise<Response>): Promise<Response> => {
    for (let count = 0; count < 200; count += 1) {
      const response = await send();
      if (response.status === 429) return response;
      await response.arrayBuffer();
    }
    throw new Error('no request was refused');
  };

  it('are answered 429 with Retry-After as problem details, on the API', async () => {
    const response = await until429(() => app.request('GET', '/api/v1/meters'));
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await response.json()).toMatchObject({ status: 429, code: 'rate_limited' });
  });

  it('are answered 429 at the ingest routes, and nothing of them is stored', async () => {
    const response = await until429(() => app.request('POST', '/api/v1/events', cloudEvent({})));
    expect(await response.json()).toMatchObject({ status: 429, code: 'rate_limited' });
  });

  it('leave what asks for no token alone', async () => {
    await until429(() => app.request('GET', '/api/v1/meters'));
    expect((await fetch(`${app.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${app.url}/api/v1/meters`)).status).toBe(401);
  });
});

describeWithRedis('replicas that share their rate limits', () => {
  let directory: string;
  let redis: RedisServer;
  const counters: SharedCounters[] = [];
  const limiters: RequestLimiter[] = [];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tollgate-redis-'));
    redis = await startRedisServer(directory);
  });
  afterEach(async () => {
    for (const limiter of limiters.splice(0)) await limiter.stop();
    for (const shared of counters.splice(0)) await shared.close();
    redis.thaw();
    await redis.kill();
    rmSync(directory, { recursive: true, force: true });
  });

  interface Replica {
    limiter: RequestLimiter;
    isConnected: () => boolean;
  }

  const replica = (url = redis.url): Replica => {
    let connected = false;
    const shared = openRedis({
      url,
      onChange: (isConnected) => {
        connected = isConnected;
      },
    });
    counters.push(shared);
    const limiter = createRequestLimiter({ limits, shared, monotonicNow: () => 0 });
    limiters.push(limiter);
    return { limiter, isConnected: () => connected };
  };
  const connected = (...replicas: Replica[]) =>
    waitUntil('Redis is connected', () => replicas.every(({ isConnected }) => isConnected()), 20_000);
  const accepted = ({ limiter }: Replica, count: number): number =>
    Array.from({ length: count }, () => limiter.refusalOf('token')).filter((wait) => wait === undefined)
      .length;
  const levelInRedis = async (): Promise<number> => {
    const answer = await redis.command('HGET tollgate:rate:token level');
    return Number(answer.split('\r\n')[1] ?? 'NaN');
  };

  it('refuse together what is too much for all of them', async () => {
    const [first, second] = [replica(), replica()];
    await connected(first, second);
    expect(accepted(first, 100)).toBe(capacity);
    await first.limiter.share();
    // One request is let through before the second replica has heard of the token at all.
    expect(accepted(second, 1)).toBe(1);
    await second.limiter.share();
    expect(accepted(second, 100)).toBe(0);
    expect(await levelInRedis()).toBeCloseTo(capacity + 1, 1);
  });

  it('share them in a cluster as well', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-redis-'));
    const node = await startRedisServer(folder, { isCluster: true });
    try {
      const [first, second] = [replica(`${node.url},${node.url}`), replica(`${node.url},${node.url}`)];
      await connected(first, second);
      expect(accepted(first, 100)).toBe(capacity);
      await first.limiter.share();
      expect(accepted(second, 1)).toBe(1);
      await second.limiter.share();
      expect(accepted(second, 100)).toBe(0);
    } finally {
      for (const shared of counters.splice(0)) await shared.close();
      await node.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it.each([
    // What Redis had heard before its end is forgotten; what was used since is told to the new one.
    [
      'is killed',
      capacity - 3,
      (server: RedisServer) => server.kill(),
      (server: RedisServer) => server.restart(),
    ],
    [
      'hangs',
      capacity,
      async (server: RedisServer) => server.freeze(),
      async (server: RedisServer) => {
        server.thaw();
      },
    ],
    [
      'takes no writes (READONLY)',
      capacity,
      async (server: RedisServer) => {
        await server.command('REPLICAOF 127.0.0.1 1');
      },
      async (server: RedisServer) => {
        await server.command('REPLICAOF NO ONE');
      },
    ],
  ])('go on by themselves while Redis %s, and share again afterwards', async (_, known, breakIt, mendIt) => {
    const one = replica();
    await connected(one);
    expect(accepted(one, 3)).toBe(3);
    await one.limiter.share();

    await breakIt(redis);
    // Decided in memory: nothing here waits for the Redis that does not answer.
    expect(accepted(one, 3)).toBe(3);
    await one.limiter.share();
    expect(accepted(one, 100)).toBe(capacity - 6);

    await mendIt(redis);
    await waitUntil(
      'what was used is told to Redis again',
      async () => {
        await one.limiter.share();
        return (await levelInRedis()) > known - 1;
      },
      20_000,
    );
    const other = replica();
    await connected(other);
    expect(accepted(other, 1)).toBe(1);
    await other.limiter.share();
    expect(accepted(other, 100)).toBeLessThan(capacity - known + 1);
  });

  it('start while there is no Redis, and find it when it comes', async () => {
    await redis.kill();
    const one = replica();
    expect(accepted(one, 100)).toBe(capacity);
    await one.limiter.share();
    expect(one.isConnected()).toBe(false);
    await redis.restart();
    await connected(one);
    await one.limiter.share();
    expect(await levelInRedis()).toBeCloseTo(capacity, 1);
  });
});
