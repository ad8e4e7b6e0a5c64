import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { consumerTraffic, startTraffic } from '../../../demo/traffic';
import { type MeteredGateway, startMeteredGateway } from '../support/metered-gateway';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { waitUntil } from '../support/wait-until';

const kills = 2;

describeOnEachStorage('a control plane killed in mid-traffic', (storage) => {
  let folder: string;
  let opened: TestDatabase | undefined;
  let loop: MeteredGateway;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tollgate-crash-'));
    if (storage.kind === 'postgres') opened = await storage.open();
    loop = await startMeteredGateway(folder, opened?.url);
  }, 120_000);
  afterAll(async () => {
    await loop?.close();
    await opened?.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('counts every request that the gateway served exactly once', async () => {
    const { upstream } = loop;
    const consumers = [
      consumerTraffic('acme-inc', 'acme-key', 150, 1),
      consumerTraffic('globex', 'globex-key', 50, 1),
    ];
    const traffic = startTraffic(loop.gateway.proxyUrl, consumers);
    const served = (): number => [...upstream.served.values()].reduce((sum, count) => sum + count, 0);
    for (let kill = 1; kill <= kills; kill += 1) {
      const target = served() + 200;
      await waitUntil('traffic before the kill', () => served() >= target, 20_000);
      await loop.killControlPlane();
      const duringOutage = served() + 50;
      await waitUntil('traffic during the outage', () => served() >= duringOutage, 20_000);
      await loop.startControlPlane();
    }
    const last = served() + 100;
    await waitUntil('traffic after the last start', () => served() >= last, 20_000);
    await traffic.stop();

    for (const { name, failures } of consumers) {
      expect(failures).toBe(0);
      const expected = upstream.served.get(name) ?? 0;
      expect(expected).toBeGreaterThan(100);
      await waitUntil(
        `${name} is metered in full`,
        async () => (await loop.metered(name)) >= expected,
        30_000,
      );
      expect(await loop.metered(name)).toBe(expected);
    }
  }, 180_000);
});
