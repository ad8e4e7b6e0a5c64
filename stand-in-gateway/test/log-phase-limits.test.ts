import { ExternalPlugins, MAX_PENDING, MAX_RUNNING } from '../src/plugin-server/external-plugins';
import type { Exchange } from '../src/proxy/exchange';
import type { PluginBinding } from '../src/proxy/plugin-slots';
import { eventually } from './support/eventually';
import { type RpcAnswer, startPluginServer } from './support/plugin-server-double';

const exchange = {} as Exchange;
const binding = {
  plugin: { id: 'p', name: 'meter' },
  config: {},
  refs: {},
  sequence: 1,
} as unknown as PluginBinding;
const answers: RpcAnswer = ([, , method]) => ({
  result: method === 'plugin.StartInstance' ? { Id: 1 } : { EventId: 1, Data: 'ret' },
});

test('log phases beyond what may wait or run are lost, and every one is counted once', async () => {
  const server = await startPluginServer(answers);
  const plugins = new ExternalPlugins([{ socketPath: server.socketPath, pluginNames: ['meter'] }], {
    nodeId: 'n',
    log: () => undefined,
  });
  try {
    const given = MAX_PENDING + 100;
    for (let count = 0; count < given; count += 1) plugins.enqueueLog(exchange, binding);
    expect(plugins.unfinishedLogs).toBe(MAX_PENDING);
    await eventually(
      () => plugins.unfinishedLogs,
      (count) => count === 0,
    );
    expect(plugins.stats).toMatchObject({ lostPending: 100, lostRunning: MAX_PENDING - MAX_RUNNING });
    const { delivered, lostPending, lostRunning, lostUnreachable, lostAborted } = plugins.stats;
    expect(delivered + lostPending + lostRunning + lostUnreachable + lostAborted).toBe(given);
    expect(delivered).toBeGreaterThan(0);
  } finally {
    plugins.close();
    await server.close();
  }
});
