import { join } from 'node:path';
import { ControlPlaneProcess } from './support/control-plane-process';
import { KongConnection } from './support/kong-client';
import { logEntry } from './support/log-entry';
import { PluginServerProcess } from './support/plugin-server-process';
import { temporaryDirectory } from './support/temporary-directory';

interface MeterQuery {
  readonly data: readonly { readonly value: number }[];
}

test('the meter counts every acknowledged request once, though both sides are killed', async () => {
  const directory = temporaryDirectory();
  const controlPlane = new ControlPlaneProcess(join(directory, 'data'));
  await controlPlane.start();
  const socket = join(directory, 's.sock');
  const args = ['--socket', socket, '--journal', join(directory, 'j')];
  const config = {
    ingest_endpoint: `${controlPlane.url}/api/v1/events`,
    api_token: controlPlane.token,
    queue: { max_retry_delay: 0.2 },
  };
  const log = async (first: number, count: number) => {
    const connections = await Promise.all(Array.from({ length: 20 }, () => KongConnection.open(socket)));
    const instance = await connections[0]!.startInstance(config);
    await Promise.all(
      connections.map(async (kong, index) => {
        for (let number = index; number < count; number += 20) {
          await kong.log(instance, logEntry(`r${first + number}`, { started_at: Date.now() }));
        }
        kong.close();
      }),
    );
  };

  let server = await PluginServerProcess.start(args);
  await log(0, 1_000);
  // With whatever is under way: the batch in its hands may be stored and not answered.
  await controlPlane.kill('SIGKILL');
  await log(1_000, 1_000);
  await server.kill('SIGKILL');
  await controlPlane.start();
  server = await PluginServerProcess.start(args);
  await log(2_000, 500);

  const metered = async (): Promise<number> => {
    const { data } = await controlPlane.get<MeterQuery>('/api/v1/meters/api_requests/query');
    return data.reduce((sum, { value }) => sum + value, 0);
  };
  let count = await metered();
  for (const deadline = Date.now() + 30_000; count < 2_500 && Date.now() < deadline; )
    count = await metered();
  expect(count).toBe(2_500);
  expect(await server.kill('SIGTERM')).toBe(0);
  expect(await metered()).toBe(2_500);
}, 120_000);
