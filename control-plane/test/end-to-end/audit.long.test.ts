import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MeteredGateway, startMeteredGateway } from '../support/metered-gateway';
import { runCli } from '../support/run-cli';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { waitUntil } from '../support/wait-until';

const requests = 100_000;
const connections = 32;

/** The counters would be the same; once is enough for a number of this size. */
const storageOfChoice = process.env.TEST_DATABASE_URL ? 'postgres' : 'pglite';

describeOnEachStorage('tollgate audit beside real traffic', (storage) => {
  if (storage.kind !== storageOfChoice) {
    it(`runs on ${storageOfChoice} in this run`, () => {
      process.stderr.write(`the audit of ${requests} requests runs on ${storageOfChoice} only\n`);
    });
    return;
  }
  let folder: string;
  let opened: TestDatabase | undefined;
  let loop: MeteredGateway;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tollgate-audit-'));
    if (storage.kind === 'postgres') opened = await storage.open();
    loop = await startMeteredGateway(folder, opened?.url);
  }, 120_000);
  afterAll(async () => {
    agent.destroy();
    await loop?.close();
    await opened?.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const send = (path: string, apikey: string): Promise<number> =>
    new Promise((resolve, reject) => {
      request(`${loop.gateway.proxyUrl}${path}`, { agent, headers: { apikey } }, (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
      })
        .once('error', reject)
        .end();
    });

  /** `count` requests over all connections, two thirds of them acme-inc's. */
  const traffic = async (path: string, count: number): Promise<void> => {
    let sent = 0;
    await Promise.all(
      Array.from({ length: connections }, async () => {
        for (let number = sent++; number < count; number = sent++) {
          expect(await send(path, number % 3 === 2 ? 'globex-key' : 'acme-key')).toBe(200);
        }
      }),
    );
  };

  const audit = () =>
    runCli(
      { TOLLGATE_URL: loop.controlPlaneUrl, TOLLGATE_API_TOKEN: loop.token },
      'audit',
      '--metrics-url',
      `${loop.gateway.adminUrl}/metrics`,
    );

  it('finds no drift after 100,000 requests, and exactly the five that nobody metered', async () => {
    await traffic('/orders', requests);
    await waitUntil(
      'all of it is metered',
      async () => (await loop.metered('acme-inc')) + (await loop.metered('globex')) >= requests,
      120_000,
    );
    const whole = await audit();
    expect(whole.out).toMatch(/acme-inc +66667 +66667 +0\nglobex +33333 +33333 +0\ndrift: 0\n/);
    expect(whole.status).toBe(0);

    await traffic('/withheld', 5);
    const short = await audit();
    process.stderr.write(`${whole.out}${short.out}`);
    expect(short.out).toMatch(/acme-inc +66671 +66667 +-4\nglobex +33334 +33333 +-1\ndrift: 5\n/);
    expect(short.status).toBe(1);
  }, 600_000);
});
