import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const main = path.join(__dirname, '../src/main.ts');
const folder = mkdtempSync(path.join(tmpdir(), 'stand-in-'));
afterAll(() => rmSync(folder, { recursive: true }));

function start(args: readonly string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const firstLine = new Promise<string>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk;
      if (stdout.includes('\n')) resolve(stdout.slice(0, stdout.indexOf('\n')));
    });
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const exit = new Promise<{ code: number | null; stderr: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, stderr }));
  });
  return { child, firstLine, exit };
}

test('the command prints its URLs on one line and stops on SIGTERM', async () => {
  const file = path.join(folder, 'kong.yml');
  writeFileSync(file, '_format_version: "3.0"\nconsumers: [{username: ann}]\n');
  const { child, firstLine, exit } = start(['--config', file, '--mode', 'postgres']);
  const { proxyUrl, adminUrl } = JSON.parse(await firstLine) as { proxyUrl: string; adminUrl: string };
  expect((await fetch(proxyUrl)).status).toBe(404);
  expect((await fetch(`${adminUrl}/consumers/ann`)).status).toBe(200);
  child.kill('SIGTERM');
  expect((await exit).code).toBe(0);
});

test.each([
  [['--config', '/nowhere/kong.yml'], '/nowhere/kong.yml: no such file'],
  [[], '--config is missing'],
  [['--config', 'x', '--mode', 'cluster'], '--mode: cluster; give one of dbless, postgres'],
  [['--config', 'x', '--proxy-port', 'http'], '--proxy-port: http; give a port number'],
  [['--config', 'x', '--plugin-socket', 'y'], '--plugin-socket and --plugin-info go together'],
  [['--colour'], '--colour'],
])('wrong usage %j exits with 2 and says what is wrong', async (args, message) => {
  const { code, stderr } = await start(args).exit;
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

test('a broken file exits with 2 and names its line', async () => {
  const file = path.join(folder, 'broken.yml');
  writeFileSync(file, '_format_version: "3.0"\nconsumers:\n- usrname: ann\n');
  const { code, stderr } = await start(['--config', file]).exit;
  expect(code).toBe(2);
  expect(stderr).toBe(`${file}:3: consumers[0].usrname: unknown field\n`);
});
