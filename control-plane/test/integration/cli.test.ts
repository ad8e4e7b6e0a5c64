import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentOf, runCli } from '../support/run-cli';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

describeOnEachStorage('the command line', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  let directory: string;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database);
    directory = mkdtempSync(join(tmpdir(), 'tollgate-cli-'));
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
    rmSync(directory, { recursive: true });
  });

  const write = (name: string, text: string): string => {
    const file = join(directory, name);
    writeFileSync(file, text);
    return file;
  };
  const run = (...given: string[]) => runCli(environmentOf(app), ...given);

  const meters = `meters:
  api_requests:
    name: API requests
    eventType: kong.api_request
    aggregation: COUNT
    groupBy: { request_method: $.request_method }
`;

  it('applies a declaration once: the second time there is nothing to change', async () => {
    const file = write('meters.yml', meters);
    expect((await run('diff', '-f', file)).status).toBe(2);
    const first = await run('apply', '-f', file);
    expect(first).toMatchObject({ status: 0 });
    expect(first.out).toContain('+ meter api_requests');
    expect((await run('diff', '-f', file)).status).toBe(0);
    const second = await run('apply', '-f', file);
    expect(second.status).toBe(0);
    expect(second.out).toBe('0 to create, 0 to change, 0 to remove, 1 unchanged\n');
  });

  it('shows what would change, field by field', async () => {
    const file = write('renamed.yml', meters.replace('name: API requests', 'name: Requests'));
    const { status, out } = await run('diff', '-f', file);
    expect(status).toBe(2);
    expect(out).toContain('~ meter api_requests\n    name: "API requests" -> "Requests"\n');
  });

  it('refuses a change of a fixed field, changes nothing and says what to do', async () => {
    const file = write('other.yml', `${meters.replace('COUNT', 'SUM')}    valueProperty: $.size\n`);
    const { status, out, error } = await run('apply', '-f', file);
    expect(status).toBe(2);
    expect(out).toMatch(/meter "api_requests": aggregation cannot change .* declare another meter/);
    expect(error).toContain('nothing was changed');
  });

  it('names line and key of a wrong file and exits 2', async () => {
    const file = write('wrong.yml', meters.replace('aggregation', 'agregation'));
    const { status, error } = await run('apply', '-f', file);
    expect(status).toBe(2);
    expect(error).toContain(`${file}:5:5: meters.api_requests.agregation: is no key`);
  });

  it('makes, lists and revokes a token', async () => {
    const made = await run('token', 'create', 'ci', '--scope', 'read', 'ingest');
    expect(made).toMatchObject({ status: 0, out: expect.stringMatching(/^tg_[\w-]{43}\n$/) });
    const id = /token (\S+)/.exec(made.error)![1]!;
    expect((await run('token', 'list')).out).toMatch(new RegExp(`${id} +ci +read,ingest`));
    expect((await run('token', 'revoke', id)).status).toBe(0);
    expect((await run('token', 'list')).out).not.toContain(id);
    const again = await run('token', 'revoke', id);
    expect(again).toMatchObject({ status: 1, error: expect.stringContaining('there is no token') });
  });

  it.each([
    ['an unknown command', ['frobnicate'], 2],
    ['a missing argument', ['token', 'revoke'], 2],
    ['an unknown scope', ['token', 'create', 'x', '--scope', 'root'], 2],
    ['help', ['--help'], 0],
  ])('with %s exits %s', async (_, given, status) => {
    expect((await run(...(given as string[]))).status).toBe(status);
  });

  it('says how to mend a wrong token or address', async () => {
    const wrong = await runCli(
      { ...environmentOf(app), TOLLGATE_API_TOKEN: 'tg_wrong_0123456789' },
      'token',
      'list',
    );
    expect(wrong).toMatchObject({ status: 1, error: expect.stringContaining('set --token-file') });
    const nobody = await runCli(
      { ...environmentOf(app), TOLLGATE_URL: 'http://127.0.0.1:9' },
      'token',
      'list',
    );
    expect(nobody).toMatchObject({ status: 1, error: expect.stringContaining('is Tollgate running there?') });
  });

  it('prints the configuration in force with secrets masked', async () => {
    const { status, out } = await runCli(
      { TOLLGATE_PORT: '9000', TOLLGATE_API_TOKEN: 'tg_a_secret_of_some_length' },
      'config',
      '--print',
    );
    expect(status).toBe(0);
    expect(out).toContain('TOLLGATE_PORT=9000\n');
    expect(out).toContain('TOLLGATE_HOST=127.0.0.1  # default\n');
    expect(out).toContain('TOLLGATE_API_TOKEN=(secret)\n');
    expect(out).not.toContain('tg_a_secret');
  });

  it('tells all mistakes of the configuration together and exits 2', async () => {
    const { status, error } = await runCli({ TOLLGATE_PORT: 'many', DATABASE_URL: 'mysql://x' }, 'config');
    expect(status).toBe(2);
    expect(error).toMatch(/TOLLGATE_PORT="many"[\s\S]*DATABASE_URL=\(secret\)/);
  });
});
