import { execFile } from 'node:child_process';
import { chownSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  account,
  findBinaries,
  type OwnPostgres,
  startOwnPostgres,
} from '../../../benchmarks/support/own-postgres';
import { freePorts } from '../../../demo/free-ports';
import { storedEvents } from '../../../proof/chaos/examine';
import { startPacedLoad } from '../../../proof/support/paced-load';
import type { Database } from '../../src/storage';
import { migrate } from '../../src/storage/migrate';
import { openNodePostgres } from '../../src/storage/postgres/node-postgres';
import { type ControlPlaneProcess, startControlPlaneProcess } from '../support/control-plane-process';
import { entitleCustomers } from '../support/entitled-customer';
import { startTestApp, testToken } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

const run = promisify(execFile);
const subjects = Array.from({ length: 20 }, (_, index) => `backup-${index}`);
const eventsPerBatch = 20;
const featureKey = 'backup_requests';

const batchOf = (number: number): Record<string, unknown>[] =>
  Array.from({ length: eventsPerBatch }, (_, index) => ({
    specversion: '1.0',
    id: `batch-${number}-${index}`,
    source: 'backup',
    type: featureKey,
    subject: subjects[(number + index) % subjects.length],
  }));

/** Raw events, the meter's rollups and the running usage, each added up by itself. */
const totals = async (database: Database): Promise<{ events: number; rollups: number; usage: number }> => {
  const { rows } = await database.query<{ rollups: string; usage: string }>(
    `SELECT (SELECT coalesce(sum(r.count), 0) FROM rollup r JOIN series s ON s.id = r.series_id WHERE s.level = 1) AS rollups,
       (SELECT coalesce(sum(usage), 0) FROM entitlement_standing) AS usage`,
  );
  return {
    events: await storedEvents(database),
    rollups: Number(rows[0]!.rollups),
    usage: Number(rows[0]!.usage),
  };
};

describe('a backup taken under load', () => {
  const binaries = findBinaries();
  if (!binaries && !process.env.REQUIRE_TEST_DATABASE) {
    process.stderr.write('backups are left out: initdb and postgres are in no known folder\n');
    it.skip('PostgreSQL is not installed', () => undefined);
    return;
  }
  let directory: string;
  let postgres: OwnPostgres;
  const started: OwnPostgres[] = [];
  let controlPlane: ControlPlaneProcess | undefined;
  let load: ReturnType<typeof startPacedLoad> | undefined;
  /** Batches sent, and answered, in all. */
  let sent = 0;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tg-backup-'));
    postgres = await startOwnPostgres(directory, { settings: { shared_buffers: '64MB' } });
    started.push(postgres);
    const database = openNodePostgres({ connectionString: postgres.url });
    await migrate(database);
    const from = Date.now() - 3_600_000;
    await entitleCustomers({ database, from, subjects, allowance: '1000000', featureKey });
    await database.close();

    const [port] = (await freePorts(1)) as [number];
    controlPlane = await startControlPlaneProcess({
      databaseUrl: postgres.url,
      dataDirectory: directory,
      port,
    });
    let answered = 0;
    load = startPacedLoad({
      url: controlPlane.url,
      token: testToken,
      requestsPerSecond: 30,
      bodyOf: (number) => JSON.stringify(batchOf(number)),
      onAnswer: (_, status) => {
        if (status === 204) answered += 1;
      },
    });
    await waitUntil('traffic before the backup', () => answered >= 20, 60_000);
    const dump = join(binaries!, 'pg_dump');
    await run(dump, ['-Fc', '-f', join(directory, 'tollgate.dump'), postgres.url]);
    const base = join(directory, 'base');
    mkdirSync(base, { mode: 0o700 });
    const user = account();
    if (user) chownSync(base, user.uid, user.gid);
    await run(
      join(binaries!, 'pg_basebackup'),
      ['-d', postgres.url, '-D', base, '-X', 'stream', '-c', 'fast'],
      { ...user, cwd: base },
    );
    const after = answered + 20;
    await waitUntil('traffic after the backup', () => answered >= after, 60_000);
    sent = await load.stop();
    await controlPlane.stop();
    expect(answered).toBe(sent);
  }, 300_000);
  afterAll(async () => {
    await load?.stop();
    await controlPlane?.kill();
    for (const own of started.reverse()) await own.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Consistent as it was taken, and complete once what came after it is sent again. */
  const expectWhole = async (url: string): Promise<void> => {
    const database = openNodePostgres({ connectionString: url });
    const restored = await totals(database);
    expect(restored.events).toBeGreaterThan(0);
    expect(restored.events).toBeLessThan(sent * eventsPerBatch);
    expect(restored).toEqual({ events: restored.events, rollups: restored.events, usage: restored.events });

    const app = await startTestApp(database);
    for (let number = 0; number < sent; number += 1) {
      const answer = await app.request('POST', '/api/v1/events', batchOf(number), {
        'content-type': 'application/cloudevents-batch+json',
      });
      expect(answer.status).toBe(204);
    }
    const all = sent * eventsPerBatch;
    expect(await totals(database)).toEqual({ events: all, rollups: all, usage: all });
    await app.stop();
    await database.close();
    process.stderr.write(`${restored.events} events in the backup, ${all} after all were sent again\n`);
  };

  it('by pg_dump is consistent, and whole when the events are replayed', async () => {
    const admin = openNodePostgres({ connectionString: postgres.url, maximumConnections: 1 });
    await admin.script('CREATE DATABASE restored');
    await admin.close();
    const url = new URL(postgres.url);
    url.pathname = '/restored';
    const archive = join(directory, 'tollgate.dump');
    await run(join(binaries!, 'pg_restore'), ['--exit-on-error', '-d', url.href, archive]);
    await expectWhole(url.href);
  }, 300_000);

  it('by pg_basebackup with its log is consistent, and whole when the events are replayed', async () => {
    const restored = await startOwnPostgres(directory, {
      data: join(directory, 'base'),
      settings: { shared_buffers: '64MB' },
    });
    started.push(restored);
    await expectWhole(restored.url);
  }, 300_000);
});

describe('the folder of the embedded database', () => {
  it('copied while the process is stopped is whole', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tg-backup-'));
    const [original, copy] = [join(directory, 'original'), join(directory, 'copy')];
    const counted = async (dataDirectory: string, isFirst: boolean): Promise<unknown> => {
      mkdirSync(dataDirectory, { recursive: true });
      const [port] = (await freePorts(1)) as [number];
      const controlPlane = await startControlPlaneProcess({ databaseUrl: undefined, dataDirectory, port });
      const call = (method: string, path: string, body?: unknown) =>
        fetch(`${controlPlane.url}${path}`, {
          method,
          headers: { authorization: `Bearer ${testToken}`, 'content-type': 'application/json' },
          ...(body ? { body: JSON.stringify(body) } : {}),
        });
      if (isFirst) {
        await call('POST', '/api/v1/meters', { slug: 'copied', aggregation: 'COUNT', eventType: featureKey });
      }
      // The second time these are known already.
      expect((await call('POST', '/api/v1/events', batchOf(0))).status).toBe(204);
      const answer = (await (await call('GET', '/api/v1/meters/copied/query')).json()) as {
        data: { value: number }[];
      };
      await controlPlane.stop();
      return answer.data[0]?.value;
    };
    expect(await counted(original, true)).toBe(eventsPerBatch);
    cpSync(original, copy, { recursive: true });
    expect(await counted(copy, false)).toBe(eventsPerBatch);
    rmSync(directory, { recursive: true, force: true });
  }, 180_000);
});
