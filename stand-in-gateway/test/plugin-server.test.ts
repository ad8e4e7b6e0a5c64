import { type StandInGateway, startStandInGateway } from '../src/index';
import { eventually } from './support/eventually';
import { recordedPluginInfo } from './support/fixtures';
import {
  askingPlugin,
  type PluginServerDouble,
  type RpcAnswer,
  startPluginServer,
} from './support/plugin-server-double';
import { startUpstream } from './support/upstream-server';

interface Running {
  gateway: StandInGateway;
  server: PluginServerDouble;
  get: (path?: string) => Promise<Response>;
}

/** Runs a test against a gateway whose one route has the plugin `meter` (log phase) or `guard` (access phase). */
async function withPlugin(
  name: 'meter' | 'guard',
  answer: RpcAnswer,
  run: (running: Running) => Promise<void>,
) {
  const upstream = await startUpstream();
  const server = await startPluginServer(answer);
  const config = name === 'meter' ? '{ingest_endpoint: "{vault://env/ENDPOINT}"}' : '{feature: f}';
  const gateway = await startStandInGateway({
    config: `
_format_version: "3.0"
services:
- {name: s, url: "http://127.0.0.1:${upstream.port}", routes: [{name: r, paths: [/]}], plugins: [{name: ${name}, config: ${config}}]}
`,
    pluginServers: [{ socketPath: server.socketPath, info: recordedPluginInfo(name) }],
  });
  try {
    await run({ gateway, server, get: (path = '/') => fetch(gateway.proxyUrl + path) });
  } finally {
    await gateway.close();
    await Promise.all([upstream.close(), server.close()]);
  }
}

const settled = ({ gateway }: Running) =>
  eventually(
    () => gateway.stats.unfinishedLogEvents,
    (count) => count === 0,
  );
const methods = ({ server }: Running) => server.requests.map(([, , method]) => method);

test('a log event is delivered once and counted', async () => {
  await withPlugin('meter', askingPlugin([{ Method: 'kong.log.serialize' }]), async (running) => {
    await Promise.all(Array.from({ length: 50 }, () => running.get().then((answer) => answer.text())));
    await eventually(
      () => running.gateway.stats.logEvents.delivered,
      (count) => count === 50,
    );
    const texts = running.server.requests
      .filter(([, , method]) => method === 'plugin.Step')
      .map(([, , , [step]]) => JSON.parse((step as { Data: string }).Data) as { request: { id: string } });
    expect(new Set(texts.map(({ request }) => request.id)).size).toBe(50);
    expect(methods(running).filter((method) => method === 'plugin.StartInstance')).toHaveLength(1);
  });
});

test('an instance that the server dropped is started again and the event is delivered', async () => {
  const plugin = askingPlugin([{ Method: 'kong.log.serialize' }]);
  let dropped = false;
  const forgetful: RpcAnswer = (request) => {
    if (request[2] === 'plugin.HandleEvent' && !dropped) {
      dropped = true;
      return { error: 'no plugin instance #1' };
    }
    return plugin(request);
  };
  await withPlugin('meter', forgetful, async (running) => {
    await (await running.get()).text();
    await eventually(
      () => running.gateway.stats.logEvents.delivered,
      (count) => count === 1,
    );
    expect(methods(running)).toEqual([
      'plugin.StartInstance',
      'plugin.HandleEvent',
      'plugin.StartInstance',
      'plugin.HandleEvent',
      'plugin.Step',
    ]);
  });
});

test('log events of the time in which the plugin server is down are lost and counted', async () => {
  await withPlugin('meter', askingPlugin([]), async (running) => {
    await running.server.close();
    for (let count = 0; count < 3; count += 1) expect((await running.get()).status).toBe(200);
    await eventually(
      () => running.gateway.stats.logEvents.lostUnreachable,
      (count) => count === 3,
    );
  });
});

test('a PDK call that the log phase forbids loses the event', async () => {
  await withPlugin('meter', askingPlugin([{ Method: 'kong.request.get_method' }]), async (running) => {
    await (await running.get()).text();
    await eventually(
      () => running.gateway.stats.logEvents.lostAborted,
      (count) => count === 1,
    );
    await settled(running);
    expect(methods(running)).toEqual(['plugin.StartInstance', 'plugin.HandleEvent']);
  });
});

test('an unknown PDK method returns nothing and the phase goes on', async () => {
  const calls = [{ Method: 'kong.made.up' }, { Method: 'kong.response.get_status' }];
  await withPlugin('meter', askingPlugin(calls), async (running) => {
    await (await running.get()).text();
    await eventually(
      () => running.gateway.stats.logEvents.delivered,
      (count) => count === 1,
    );
    const steps = running.server.requests.filter(([, , method]) => method === 'plugin.Step');
    expect(steps.map(([, , , [step]]) => (step as { Data?: unknown }).Data)).toEqual([undefined, 200]);
  });
});

test('connections to the plugin server are opened under load and used again', async () => {
  await withPlugin('meter', askingPlugin([{ Method: 'kong.log.serialize' }]), async (running) => {
    for (let round = 0; round < 5; round += 1) {
      await (await running.get()).text();
      await settled(running);
    }
    expect(running.server.connections()).toBe(1);
  });
});

test('a PDK call that the access phase forbids answers 500', async () => {
  await withPlugin('guard', askingPlugin([{ Method: 'kong.log.serialize' }]), async (running) => {
    const answer = await running.get();
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ message: 'An unexpected error occurred' });
  });
});

test('an access plugin fails closed before it ever started and open once it has', async () => {
  await withPlugin('guard', askingPlugin([]), async (running) => {
    expect((await running.get()).status).toBe(200);
    await running.server.close();
    expect((await running.get()).status).toBe(200);
  });
  await withPlugin(
    'guard',
    () => ({ error: 'cannot start' }),
    async (running) => {
      expect((await running.get()).status).toBe(500);
    },
  );
});

test('an access plugin sees the request and ends it with its own answer', async () => {
  const calls = [
    { Method: 'kong.request.get_path_with_query' },
    { Method: 'kong.response.exit', Args: [402, '{"message":"pay"}', { 'X-Reason': ['quota'] }] },
  ];
  await withPlugin('guard', askingPlugin(calls), async (running) => {
    const answer = await running.get('/a?b=c');
    expect([answer.status, answer.headers.get('x-reason'), await answer.json()]).toEqual([
      402,
      'quota',
      { message: 'pay' },
    ]);
    const step = running.server.requests.find(([, , method]) => method === 'plugin.Step')!;
    expect(step[3]).toEqual([{ EventId: expect.any(Number), Data: '/a?b=c' }]);
  });
});
