import { ExternalPlugins, MAX_PENDING, MAX_RUNNING } from '../src/plugin-server/external-plugins';
import type { Exchange } from '../src/proxy/exchange';
import type { PluginBinding } from '../src/proxy/plugin-slots';
import { eventually } from './support/eventually';

const exchange = {} as Exchange;
const binding = {
  plugin: { id: 'p', name: 'meter' },
  config: {},
  refs: {},
  sequence: 1,
} as unknown as PluginBinding;

test('log phases beyond what may wait or run are lost, and every one is counted once', async () => {
  // Nobody listens there, so that those which may run end too, by being lost.
  const settings = [{ socketPath: '/nonexistent/plugin.sock', pluginNames: ['meter'] }];
  const plugins = new ExternalPlugins(settings, { nodeId: 'n', log: () => undefined });
  const given = MAX_PENDING + 100;
  for (let count = 0; count < given; count += 1) plugins.enqueueLog(exchange, binding);
  expect(plugins.unfinishedLogs).toBe(MAX_PENDING);
  await eventually(
    () => plugins.unfinishedLogs,
    (count) => count === 0,
  );
  expect(plugins.stats).toEqual({
    delivered: 0,
    lostPending: 100,
    lostRunning: MAX_PENDING - MAX_RUNNING,
    lostUnreachable: MAX_RUNNING,
    lostAborted: 0,
  });
  plugins.close();
});
