import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './support/eventually';
import { IngestSink } from './support/ingest-sink';
import { KongConnection } from './support/kong-client';
import { logEntry } from './support/log-entry';
import { PluginServerProcess } from './support/plugin-server-process';
import { temporaryDirectory } from './support/temporary-directory';

const stock = require.resolve('kong-pdk/bin/kong-js-pluginserver');
let dist: string;
let sink: IngestSink;

beforeEach(async () => {
  dist = temporaryDirectory();
  execFileSync(process.execPath, [join(__dirname, '../scripts/build.mjs')], {
    env: { ...process.env, TOLLGATE_BUILD_DIRECTORY: dist },
  });
  sink = await new IngestSink().start();
});

afterEach(() => sink.stop());

test('the plugin is one CommonJS file, alone in its folder', () => {
  expect(readdirSync(join(dist, 'plugin'))).toEqual(['tollgate.js']);
  const required = [
    ...readFileSync(join(dist, 'plugin/tollgate.js'), 'utf8').matchAll(/\brequire\("([^"]+)"\)/g),
  ];
  const outside = new Set(
    required.map(([, name]) => name as string).filter((name) => !name.startsWith('node:')),
  );
  const builtin = new Set(require('node:module').builtinModules as string[]);
  expect([...outside].filter((name) => !builtin.has(name))).toEqual([]);
});

test('the stock kong-js-pluginserver prints the same facts about it and runs it', async () => {
  const pluginDirectory = join(dist, 'plugin');
  const facts = execFileSync(process.execPath, [stock, '-d', pluginDirectory, '--dump-all-plugins'], {
    encoding: 'utf8',
  });
  const ours = join(dist, 'info.json');
  execFileSync(process.execPath, [join(dist, 'server/tollgate-plugin-server.js'), '--dump-info', ours]);
  expect(JSON.parse(readFileSync(ours, 'utf8'))).toEqual(JSON.parse(facts));
  expect(JSON.parse(facts)).toMatchObject([{ Name: 'tollgate', Phases: ['log'] }]);

  const directory = temporaryDirectory();
  const server = spawn(
    process.execPath,
    [stock, '-d', pluginDirectory, '-p', directory, '--sock-name', 's.sock'],
    {
      stdio: 'ignore',
    },
  );
  try {
    await eventually('it listens', () => existsSync(join(directory, 's.sock')));
    const kong = await KongConnection.open(join(directory, 's.sock'));
    const config = {
      ingest_endpoint: sink.endpoint,
      api_token: 'token',
      journal: { directory: join(directory, 'journal') },
    };
    await kong.log(await kong.startInstance(config), logEntry('r1'));
    await eventually('the event arrives', () => sink.taken.size === 1);
    kong.close();
  } finally {
    server.kill('SIGKILL');
  }
});

test('the bundled server runs without node_modules, with the plugin of a folder', async () => {
  const directory = temporaryDirectory();
  const socket = join(directory, 's.sock');
  const args = [
    '--socket',
    socket,
    '--journal',
    join(directory, 'j'),
    '--plugins-directory',
    join(dist, 'plugin'),
  ];
  await PluginServerProcess.start(args, {}, join(dist, 'server/tollgate-plugin-server.js'));
  const kong = await KongConnection.open(socket);
  await kong.log(
    await kong.startInstance({ ingest_endpoint: sink.endpoint, api_token: 'token' }),
    logEntry('r1'),
  );
  await eventually('the event arrives', () => sink.taken.size === 1);
  kong.close();
});
