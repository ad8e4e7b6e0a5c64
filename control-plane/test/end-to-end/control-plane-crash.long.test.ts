import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, startChild } from '../../../demo/child-process';
import { controlPlaneClient } from '../../../demo/control-plane-client';
import { freePorts } from '../../../demo/free-ports';
import { consumerTraffic, startTraffic } from '../../../demo/traffic';
import { startUpstream, type Upstream } from '../../../demo/upstream';
import { type StandInGateway, startStandInGateway } from '../../../stand-in-gateway/src/index';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { waitUntil } from '../support/wait-until';

const apiToken = 'tg_crash_test_token_0123456789';
const kills = 2;

const kongFile = (upstreamPort: number, controlPlaneUrl: string): string => `
_format_version: "3.0"
services:
  - name: orders
    url: http://127.0.0.1:${upstreamPort}
    routes: [{ name: orders-v1, paths: [/orders] }]
    plugins:
      - { name: key-auth, config: { key_names: [apikey] } }
      - name: tollgate
        config: { ingest_endpoint: "${controlPlaneUrl}/api/v1/events", api_token: "${apiToken}" }
consumers:
  - { username: acme-inc, keyauth_credentials: [{ key: acme-key }] }
  - { username: globex, keyauth_credentials: [{ key: globex-key }] }
`;

describeOnEachStorage('a control plane killed in mid-traffic', (storage) => {
  let folder: string;
  let opened: TestDatabase | undefined;
  let upstream: Upstream;
  let gateway: StandInGateway;
  const children: Child[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tollgate-crash-'));
    if (storage.kind === 'postgres') opened = await storage.open();
  });
  afterAll(async () => {
    await gateway?.close();
    for (const child of children) await child.stop('SIGKILL');
    await upstream?.close();
    await opened?.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('counts every request that the gateway served exactly once', async () => {
    const [controlPort, upstreamPort] = (await freePorts(2)) as [number, number];
    const url = `http://127.0.0.1:${controlPort}`;
    const startControlPlane = (): Promise<Child> =>
      startChild({
        name: 'control plane',
        script: 'control-plane/src/main.ts',
        env: {
          DATABASE_URL: opened?.url ?? '',
          REDIS_URL: '',
          TOLLGATE_PORT: String(controlPort),
          TOLLGATE_API_TOKEN: apiToken,
          TOLLGATE_DATA_DIRECTORY: join(folder, 'control-plane'),
        },
        cwd: folder,
        logFile: join(folder, 'control-plane.log'),
        isReady: (output) => output.includes('tollgate is ready'),
      });
    upstream = await startUpstream(upstreamPort);
    let controlPlane = await startControlPlane();
    children.push(controlPlane);
    const client = controlPlaneClient(url, apiToken);
    await client.post('/api/v1/meters', {
      slug: 'api_requests',
      aggregation: 'COUNT',
      eventType: 'kong.api_request',
      groupBy: { route: '$.route_name' },
    });

    const socketPath = join(folder, 'plugin.sock');
    const info = join(folder, 'info.json');
    children.push(
      await startChild({
        name: 'plugin server',
        script: 'plugin/src/server/main.ts',
        args: [
          '--socket',
          socketPath,
          '--dump-info',
          info,
          '--journal',
          join(folder, 'journal'),
          '--port',
          '0',
        ],
        logFile: join(folder, 'plugin-server.log'),
        isReady: (output) => output.includes('the plugin server is ready'),
      }),
    );
    gateway = await startStandInGateway({
      config: kongFile(upstreamPort, url),
      pluginServers: [{ socketPath, info }],
    });

    const consumers = [
      consumerTraffic('acme-inc', 'acme-key', 150, 1),
      consumerTraffic('globex', 'globex-key', 50, 1),
    ];
    const traffic = startTraffic(gateway.proxyUrl, consumers);
    const served = (): number => [...upstream.served.values()].reduce((sum, count) => sum + count, 0);
    for (let kill = 1; kill <= kills; kill += 1) {
      const target = served() + 200;
      await waitUntil('traffic before the kill', () => served() >= target, 20_000);
      await controlPlane.stop('SIGKILL');
      const duringOutage = served() + 50;
      await waitUntil('traffic during the outage', () => served() >= duringOutage, 20_000);
      controlPlane = await startControlPlane();
      children.push(controlPlane);
    }
    const last = served() + 100;
    await waitUntil('traffic after the last start', () => served() >= last, 20_000);
    await traffic.stop();

    const metered = async (consumer: string): Promise<number> => {
      const { data } = await client.get<{ data: { value: number }[] }>(
        `/api/v1/meters/api_requests/query?subject=${consumer}`,
      );
      return data.reduce((sum, row) => sum + row.value, 0);
    };
    for (const { name, failures } of consumers) {
      expect(failures).toBe(0);
      const expected = upstream.served.get(name) ?? 0;
      expect(expected).toBeGreaterThan(100);
      await waitUntil(`${name} is metered in full`, async () => (await metered(name)) >= expected, 30_000);
      expect(await metered(name)).toBe(expected);
    }
  }, 180_000);
});
