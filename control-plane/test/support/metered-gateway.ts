import { join } from 'node:path';
import { type Child, startChild } from '../../../demo/child-process';
import { type ControlPlaneClient, controlPlaneClient } from '../../../demo/control-plane-client';
import { freePorts } from '../../../demo/free-ports';
import { startUpstream, type Upstream } from '../../../demo/upstream';
import { type StandInGateway, startStandInGateway } from '../../../stand-in-gateway/src/index';

const apiToken = 'tg_metered_gateway_token_0123456789';

/** `/orders` is metered by the plugin; `/withheld` is served and counted by the gateway, and metered by nobody. */
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
  - name: withheld
    url: http://127.0.0.1:${upstreamPort}
    routes: [{ name: withheld-v1, paths: [/withheld] }]
    plugins: [{ name: key-auth, config: { key_names: [apikey] } }]
consumers:
  - { username: acme-inc, keyauth_credentials: [{ key: acme-key }] }
  - { username: globex, keyauth_credentials: [{ key: globex-key }] }
`;

/** The whole loop: gateway, plugin server and control plane as processes and sockets of their own. */
export interface MeteredGateway {
  controlPlaneUrl: string;
  token: string;
  client: ControlPlaneClient;
  gateway: StandInGateway;
  upstream: Upstream;
  /** SIGKILL: no handler runs, nothing is flushed. */
  killControlPlane(): Promise<void>;
  startControlPlane(): Promise<void>;
  /** What the meter says of a consumer's requests. */
  metered(consumer: string): Promise<number>;
  close(): Promise<void>;
}

/**
 * Starts it, with a COUNT meter of requests (`api_requests`) by route.
 * @param folder of everything it writes; the caller removes it
 * @param databaseUrl undefined for the embedded database
 */
export const startMeteredGateway = async (
  folder: string,
  databaseUrl: string | undefined,
): Promise<MeteredGateway> => {
  const [controlPort, upstreamPort] = (await freePorts(2)) as [number, number];
  const controlPlaneUrl = `http://127.0.0.1:${controlPort}`;
  const children: Child[] = [];
  const start = async (options: Parameters<typeof startChild>[0]): Promise<Child> => {
    const child = await startChild(options);
    children.push(child);
    return child;
  };
  const startControlPlane = (): Promise<Child> =>
    start({
      name: 'control plane',
      script: 'control-plane/src/main.ts',
      env: {
        DATABASE_URL: databaseUrl ?? '',
        REDIS_URL: '',
        TOLLGATE_PORT: String(controlPort),
        TOLLGATE_API_TOKEN: apiToken,
        TOLLGATE_DATA_DIRECTORY: join(folder, 'control-plane'),
      },
      cwd: folder,
      logFile: join(folder, 'control-plane.log'),
      isReady: (output) => output.includes('tollgate is ready'),
    });
  const upstream = await startUpstream(upstreamPort);
  let gateway: StandInGateway | undefined;
  const close = async (): Promise<void> => {
    await gateway?.close();
    for (const child of children) await child.stop('SIGKILL');
    await upstream.close();
  };
  try {
    let controlPlane = await startControlPlane();
    const client = controlPlaneClient(controlPlaneUrl, apiToken);
    await client.post('/api/v1/meters', {
      slug: 'api_requests',
      aggregation: 'COUNT',
      eventType: 'kong.api_request',
      groupBy: { route: '$.route_name' },
    });
    const socketPath = join(folder, 'plugin.sock');
    const info = join(folder, 'info.json');
    const journal = join(folder, 'journal');
    await start({
      name: 'plugin server',
      script: 'plugin/src/server/main.ts',
      args: ['--socket', socketPath, '--dump-info', info, '--journal', journal, '--port', '0'],
      logFile: join(folder, 'plugin-server.log'),
      isReady: (output) => output.includes('the plugin server is ready'),
    });
    gateway = await startStandInGateway({
      config: kongFile(upstreamPort, controlPlaneUrl),
      pluginServers: [{ socketPath, info }],
    });
    return {
      controlPlaneUrl,
      token: apiToken,
      client,
      gateway,
      upstream,
      killControlPlane: () => controlPlane.stop('SIGKILL'),
      startControlPlane: async () => {
        controlPlane = await startControlPlane();
      },
      metered: async (consumer) => {
        const { data } = await client.get<{ data: { value: number }[] }>(
          `/api/v1/meters/api_requests/query?subject=${consumer}`,
        );
        return data.reduce((sum, row) => sum + row.value, 0);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};
