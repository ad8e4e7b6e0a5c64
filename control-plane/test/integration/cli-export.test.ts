import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cloudEvent } from '../support/cloud-events';
import { environmentOf, runCli } from '../support/run-cli';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

const exact = '9007199254740993';
const count = 250;

describeOnEachStorage('export and replay', (storage) => {
  let opened: TestDatabase;
  let other: TestDatabase;
  let app: TestApp;
  let empty: TestApp;
  let directory: string;

  beforeAll(async () => {
    opened = await storage.open();
    other = await storage.open();
    app = await startTestApp(opened.database);
    empty = await startTestApp(other.database);
    directory = mkdtempSync(join(tmpdir(), 'tollgate-export-'));
    const events = Array.from({ length: count }, (_, index) =>
      cloudEvent({ subject: index % 2 ? 'acme-inc' : 'globex', data: { bytes: index, route: 'a,"b"' } }),
    );
    const body = JSON.stringify(events).replace('"bytes":7,', `"bytes":${exact},`);
    const answer = await app.request('POST', '/api/v1/events', body, {
      'content-type': 'application/cloudevents-batch+json',
    });
    expect(answer.status).toBe(204);
    for (const server of [app, empty]) {
      await server.request('POST', '/api/v1/meters', {
        slug: 'requests',
        eventType: 'kong.api_request',
        aggregation: 'COUNT',
      });
    }
  });
  afterAll(async () => {
    rmSync(directory, { recursive: true });
    await Promise.all([app.stop(), empty.stop()]);
    await Promise.all([opened.drop(), other.drop()]);
  });

  const run = (server: TestApp, ...given: string[]) => runCli(environmentOf(server), ...given);
  const path = (name: string): string => join(directory, name);
  const lines = (name: string): string[] => readFileSync(path(name), 'utf8').split('\n').filter(Boolean);

  it('write every event once, with every digit, and bring them to another server once', async () => {
    expect((await run(app, 'export', 'events', '-o', path('events'))).status).toBe(0);
    expect(lines('events').length).toBe(count);
    expect(new Set(lines('events').map((line) => JSON.parse(line).id)).size).toBe(count);
    expect(readFileSync(path('events'), 'utf8')).toContain(`"bytes":${exact}`);
    const first = await run(empty, 'replay', path('events'));
    expect(first).toMatchObject({ status: 0, out: `${count} new, 0 known already\n` });
    const again = await run(empty, 'replay', path('events'));
    expect(again).toMatchObject({ status: 0, out: `0 new, ${count} known already\n` });
    expect((await run(empty, 'export', 'events', '-o', path('back'))).status).toBe(0);
    expect(lines('back').sort()).toEqual(lines('events').sort());
  });

  it('go on where an interrupted export stood', async () => {
    await run(app, 'export', 'events', '-o', path('whole'));
    // The second page fails as if the server went away in between.
    const { fetch } = globalThis;
    let calls = 0;
    globalThis.fetch = (...given) => {
      calls += 1;
      return calls === 2 ? Promise.reject(new TypeError('fetch failed')) : fetch(...given);
    };
    try {
      expect((await run(app, 'export', 'events', '-o', path('part'))).status).toBe(1);
    } finally {
      globalThis.fetch = fetch;
    }
    expect(lines('part').length).toBe(100);
    // What a crash wrote behind the last noted position must not stay.
    writeFileSync(path('part'), 'half a li', { flag: 'a' });
    const resumed = await run(app, 'export', 'events', '-o', path('part'));
    expect(resumed).toMatchObject({ status: 0, error: expect.stringContaining('going on after 100 events') });
    expect(lines('part')).toEqual(lines('whole'));
  });

  it('write CSV that a comma and a quote do not break', async () => {
    await run(app, 'export', 'events', '-o', path('csv'), '--format', 'csv');
    const [head, row] = readFileSync(path('csv'), 'utf8').split('\r\n');
    expect(head).toBe('id,source,type,subject,time,ingestedAt,customerId,data');
    expect(row).toMatch(/,"\{""bytes"":\d+,""route"":""a,\\""b\\""""\}"$/);
  });

  it('write the rollups of a meter by window', async () => {
    const from = new Date(Date.now() - 3 * 86_400_000).toISOString();
    const to = new Date(Date.now() + 3_600_000).toISOString();
    const given = ['export', 'rollups', '--meter', 'requests', '--from', from, '--to', to];
    expect((await run(app, ...given, '-o', path('rollups'))).status).toBe(0);
    const rows = lines('rollups').map((line) => JSON.parse(line) as { value: number; subject: string });
    expect(rows.reduce((sum, { value }) => sum + value, 0)).toBe(count);
    expect(new Set(rows.map(({ subject }) => subject))).toEqual(new Set(['acme-inc', 'globex']));
    const mistaken = await run(app, 'export', 'rollups', '--meter', 'requests', '-o', path('none'));
    expect(mistaken).toMatchObject({ status: 2, error: expect.stringContaining('--from') });
  });

  it('name the lines that a server refuses', async () => {
    writeFileSync(path('bad'), `${JSON.stringify(cloudEvent())}\n{"id":"x"}\n`);
    const { status, error } = await run(empty, 'replay', path('bad'));
    expect(status).toBe(1);
    expect(error).toMatch(/lines 1 to 2: .*400/);
    const missing = await run(empty, 'replay', path('missing'));
    expect(missing).toMatchObject({ status: 2, error: expect.stringContaining('ENOENT') });
  });
});
