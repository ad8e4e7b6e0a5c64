import type { StandInGateway } from '../../../stand-in-gateway/src';
import { systemClock } from '../../src/primitives/clock';
import { AccessFixture } from '../support/access-fixture';
import { cloudEvent } from '../support/cloud-events';
import { isLetIn, startAclGateway } from '../support/kong-fixture';
import { requestJson } from '../support/request-json';
import { type TestDatabase, testStorages } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

jest.setTimeout(240_000);

const consumers = Number(process.env.SCALE_CONSUMERS ?? 500);
const batchType = { 'content-type': 'application/cloudevents-batch+json' };

/** Counts of calls are asserted; times are printed. SCALE_CONSUMERS=10000 is the size that docs/benchmarks.md speaks of. */
describe(`${consumers} consumers [${testStorages.at(-1)!.kind}]`, () => {
  let opened: TestDatabase;
  let app: TestApp;
  let fixture: AccessFixture;
  const gateways = {} as Record<'acl' | 'dbless', StandInGateway>;
  const names = Array.from({ length: consumers }, (_, index) => `consumer-${index}`);
  /** Two lists of a thousand rows a page, and the probe. */
  const callsOfSweep = 2 * Math.ceil(consumers / 1_000) + 3;
  const learning = { calls: 0, seconds: 0 };

  beforeAll(async () => {
    opened = await testStorages.at(-1)!.open();
    app = await startTestApp(opened.database, { configuration: { sweepIntervalSeconds: 2 } });
    fixture = new AccessFixture(opened.database, systemClock);
    gateways.acl = await startAclGateway('postgres', names);
    gateways.dbless = await startAclGateway('dbless', names);
    for (const key of ['acl', 'dbless'] as const) {
      await requestJson(app, 'POST', '/api/v1/access/gateways', {
        key,
        driver: `kong-${key}`,
        adminUrls: [gateways[key].adminUrl],
        timeoutMs: 60_000,
      });
      await requestJson(app, 'POST', '/api/v1/access/policies', {
        feature: 'requests',
        gateway: key,
        leave: ['orders-access'],
      });
    }
    const startedAt = performance.now();
    await fixture.entitle(names.map((key) => ({ key, featureKey: 'requests', allowance: 1 })));
    await waitUntil('every consumer was seen', async () => (await due()) === 0, 120_000);
    learning.calls = calls(gateways.acl);
    learning.seconds = (performance.now() - startedAt) / 1_000;
  });
  afterAll(async () => {
    await app?.stop();
    for (const gateway of Object.values(gateways)) await gateway.close();
    await opened?.drop();
  });

  const due = async (): Promise<number> => {
    const { rows } = await opened.database.query<{ n: number }>(
      `SELECT (SELECT count(*) FROM access_state WHERE due_at IS NOT NULL) + $1::bigint * 2
         - (SELECT count(*) FROM access_state) AS n`,
      [consumers],
    );
    return rows[0]!.n;
  };
  const sweptAt = async (key: string) =>
    (await requestJson<{ sweptAt: string | null }>(app, 'GET', `/api/v1/access/gateways/${key}`)).sweptAt;
  const calls = (gateway: StandInGateway, pattern = /./) =>
    Object.entries(gateway.stats.adminCalls)
      .filter(([call]) => pattern.test(call))
      .reduce((sum, [, count]) => sum + count, 0);
  const nextSweep = async (key: string) => {
    const before = await sweptAt(key);
    await waitUntil(`a sweep of ${key} ended`, async () => (await sweptAt(key)) !== before, 60_000);
  };

  it('learns of all of them in a number of calls that follows from pages', () => {
    const { calls: made, seconds } = learning;
    process.stderr.write(`${consumers} customers were learned of in ${made} calls to kong-acl\n`);
    // A sweep a second at most, and a few customers at a time that are not worth one.
    expect(made).toBeLessThanOrEqual((Math.ceil(seconds) + 2) * (callsOfSweep + 31));
  });

  it('costs a sweep that changes nothing a number of calls that follows from pages', async () => {
    for (const key of ['acl', 'dbless'] as const) {
      await nextSweep(key);
      const before = calls(gateways[key]);
      await nextSweep(key);
      const made = calls(gateways[key]) - before;
      process.stderr.write(
        `a sweep of ${key} with ${consumers} customers that changes nothing: ${made} calls\n`,
      );
      // And what a sweep that began since has made.
      expect(made).toBeLessThanOrEqual(2 * callsOfSweep);
    }
  });

  it('takes all of them out when all cross at once, with at most one POST /config a second', async () => {
    const posts = () => calls(gateways.dbless, /^POST \/config/);
    const before = { posts: posts(), acl: calls(gateways.acl) };
    const startedAt = performance.now();
    for (let start = 0; start < names.length; start += 1_000) {
      const batch = names.slice(start, start + 1_000).map((subject) => cloudEvent({ subject }));
      const response = await app.request('POST', '/api/v1/events', batch, batchType);
      expect(response.status).toBe(204);
    }
    const ingestedMs = performance.now() - startedAt;
    const out = async () => {
      const { rows } = await opened.database.query<{ n: number }>(
        `SELECT count(DISTINCT gateway_id || customer_id) AS n FROM access_log
         WHERE access = 'out' AND outcome IN ('done', 'already')`,
      );
      return rows[0]!.n;
    };
    await waitUntil('all are out', async () => (await out()) >= 2 * consumers, 180_000);
    const seconds = (performance.now() - startedAt) / 1_000;
    const made = { posts: posts() - before.posts, acl: calls(gateways.acl) - before.acl };
    process.stderr.write(
      `${consumers} consumers crossed within ${(ingestedMs / 1_000).toFixed(1)} s: the last was out of both gateways after ` +
        `${seconds.toFixed(1)} s, ${made.posts} POST /config, ${made.acl} calls to kong-acl\n`,
    );
    expect(made.posts).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
    expect(made.acl).toBeLessThanOrEqual(consumers + 2 * Math.ceil(seconds) * callsOfSweep);
    for (const name of [names[0]!, names.at(-1)!]) {
      expect([await isLetIn(gateways.acl, name), await isLetIn(gateways.dbless, name)]).toEqual([
        false,
        false,
      ]);
    }
  });
});
