import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentOf, runCli, setClockOffset } from '../support/run-cli';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

describeOnEachStorage('tollgate doctor', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  let directory: string;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database);
    directory = mkdtempSync(join(tmpdir(), 'tollgate-doctor-'));
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
    rmSync(directory, { recursive: true });
  });
  afterEach(() => setClockOffset(0));

  const healthy = () => ({ ...environmentOf(app), ...(opened.url ? { DATABASE_URL: opened.url } : {}) });
  const doctor = (environment: Record<string, string> = {}, ...given: string[]) =>
    runCli({ ...healthy(), ...environment }, 'doctor', ...given);

  it('finds nothing where nothing is broken', async () => {
    const socket = join(directory, 'plugin.sock');
    const server = createServer().listen(socket);
    try {
      const { status, out } = await doctor({}, '--plugin-socket', socket);
      expect(out).toContain('nothing is broken');
      expect(out).toContain('ok    plugin socket');
      expect(status).toBe(0);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('names a database that is down', async () => {
    const { status, out } = await doctor({ DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none' });
    expect(status).toBe(1);
    expect(out).toMatch(/FAIL {2}database: no answer: .*ECONNREFUSED.*\n {6}-> start PostgreSQL/);
  });

  it('names a wrong token, and a missing one', async () => {
    const wrong = await doctor({ TOLLGATE_API_TOKEN: 'tg_wrong_0123456789' });
    expect(wrong.status).toBe(1);
    expect(wrong.out).toMatch(/FAIL {2}token: the server does not know it.*\n {6}-> set TOLLGATE_API_TOKEN/);
    const missing = await doctor({ TOLLGATE_API_TOKEN: '', TOLLGATE_DATA_DIRECTORY: directory });
    expect(missing.out).toContain('FAIL  token');
  });

  it('names a server that does not answer', async () => {
    const { status, out } = await doctor({ TOLLGATE_URL: 'http://127.0.0.1:9' });
    expect(status).toBe(1);
    expect(out).toMatch(/FAIL {2}server: .*does not answer.*\n {6}-> start it with `tollgate serve`/);
  });

  it('names a plugin socket that is missing', async () => {
    const { status, out } = await doctor({}, '--plugin-socket', join(directory, 'none.sock'));
    expect(status).toBe(1);
    expect(out).toMatch(/FAIL {2}plugin socket: .* does not exist\n {6}-> start tollgate-plugin-server/);
  });

  it('names a clock that is ten minutes off', async () => {
    setClockOffset(-600_000);
    const { status, out } = await doctor();
    expect(status).toBe(1);
    expect(out).toMatch(
      /FAIL {2}server clock: its clock is (600|601) s ahead of .*\n {6}-> set both clocks by NTP/,
    );
  });

  it('names a gateway that cannot be reached', async () => {
    const body = { key: 'kong', driver: 'kong-acl', adminUrls: ['http://127.0.0.1:9'] };
    expect((await app.request('POST', '/api/v1/access/gateways', body)).status).toBe(201);
    await waitUntil('the gateway is known to fail', async () => {
      const answer = await app.request('GET', '/api/v1/access/gateways/kong');
      return ((await answer.json()) as { health: { status: string } }).health.status === 'failing';
    });
    const { status, out } = await doctor();
    expect(status).toBe(1);
    expect(out).toMatch(/FAIL {2}gateway kong: .*\n {6}-> start Kong, or correct/);
  });

  if (storage.kind === 'postgres') {
    it('names a migration that is pending', async () => {
      await opened.database.query(
        'DELETE FROM schema_migration WHERE number = (SELECT max(number) FROM schema_migration)',
      );
      const { status, out } = await doctor();
      expect(status).toBe(1);
      expect(out).toMatch(/FAIL {2}migrations: pending: \d{4}-.*\n {6}-> run `tollgate migrate`/);
    });
  }
});
