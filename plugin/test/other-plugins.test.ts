import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from '@msgpack/msgpack';
import { KongConnection } from './support/kong-client';
import { PluginServerProcess } from './support/plugin-server-process';
import { temporaryDirectory } from './support/temporary-directory';

const source = `
class Greeter {
  constructor(config) { this.config = config; }
  async access(kong) {
    const host = await kong.request.getHost();
    const consumer = await kong.client.getConsumer();
    await kong.response.setHeader('x-greeting', this.config.greeting + ' ' + consumer.username + ' at ' + host);
  }
}
module.exports = { Plugin: Greeter, Name: 'greeter', Version: '1.0.0', Priority: 5, Schema: [{ greeting: { type: 'string' } }] };
`;

interface Asked {
  readonly EventId: number;
  readonly Data: { readonly Method: string; readonly Args: readonly unknown[] } | 'ret';
}

let directory: string;
let socket: string;

beforeEach(() => {
  directory = temporaryDirectory();
  socket = join(directory, 's.sock');
  mkdirSync(join(directory, 'plugins'));
  writeFileSync(join(directory, 'plugins/greeter.js'), source);
});

const args = () => ['--socket', socket, '--plugins-directory', join(directory, 'plugins')];

test('any plugin written for kong-pdk runs, call after call, and two events at once stay apart', async () => {
  await PluginServerProcess.start(args());
  const kong = await KongConnection.open(socket);
  const instance = await kong.startInstance({ greeting: 'hello' }, 'greeter');
  const begin = () => kong.call<Asked>('plugin.HandleEvent', { InstanceId: instance, EventName: 'access' });
  const step = (asked: Asked, method: string, data: unknown) =>
    kong.call<Asked>(`plugin.${method}`, { EventId: asked.EventId, Data: data });
  const [first, second] = [await begin(), await begin()];
  expect(first.EventId).not.toBe(second.EventId);
  expect(first.Data).toEqual({ Method: 'kong.request.get_host', Args: [] });
  const firstAsked = await step(first, 'Step', 'a.test');
  const secondAsked = await step(second, 'Step', 'b.test');
  expect(secondAsked.Data).toEqual({ Method: 'kong.client.get_consumer', Args: [] });
  const said = async (asked: Asked, username: string) => {
    const last = await step(asked, 'StepConsumer', { username });
    expect((await step(last, 'Step', undefined)).Data).toBe('ret');
    return last.Data;
  };
  expect(await said(secondAsked, 'bob')).toEqual({
    Method: 'kong.response.set_header',
    Args: ['x-greeting', 'hello bob at b.test'],
  });
  expect(await said(firstAsked, 'alice')).toEqual({
    Method: 'kong.response.set_header',
    Args: ['x-greeting', 'hello alice at a.test'],
  });
  kong.close();
});

test('a plugin that keeps the state of an event cannot be shared by several processes', async () => {
  await expect(PluginServerProcess.start([...args(), '--processes', '2'])).rejects.toThrow(
    '--processes above 1 serves only plugins whose log phase is logSerialized(); give greeter a plugin server of its own',
  );
});

test('a connection that breaks or does not speak the protocol leaves the others alone', async () => {
  const server = await PluginServerProcess.start(args());
  const kong = await KongConnection.open(socket);
  const instance = await kong.startInstance({ greeting: 'hello' }, 'greeter');
  const stranger = await KongConnection.open(socket);
  stranger.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await expect(stranger.request('plugin.GetStatus')).rejects.toThrow();
  const hasty = await KongConnection.open(socket);
  hasty.write(encode([0, 1, 'plugin.HandleEvent', [{ InstanceId: instance, EventName: 'access' }]]));
  hasty.close();
  const { Data } = await kong.call<Asked>('plugin.HandleEvent', {
    InstanceId: instance,
    EventName: 'access',
  });
  expect(Data).toMatchObject({ Method: 'kong.request.get_host' });
  await expect(kong.call('plugin.constructor')).rejects.toThrow('method plugin.constructor is not supported');
  expect(server.log).toContain('did not speak the plugin protocol');
  kong.close();
});

test('several messages in one chunk are all answered', async () => {
  await PluginServerProcess.start(args());
  const kong = await KongConnection.open(socket);
  const infos = await Promise.all(
    Array.from({ length: 20 }, () => kong.call<{ Name: string }>('plugin.GetPluginInfo', 'greeter')),
  );
  expect(infos.map(({ Name }) => Name)).toEqual(Array(20).fill('greeter'));
  kong.close();
});
