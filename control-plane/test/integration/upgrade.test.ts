import { randomBytes } from 'node:crypto';
import { migrate, migrationState, readMigrations } from '../../src/storage/migrate';
import { openNodePostgres } from '../../src/storage/postgres/node-postgres';
import { cloudEvent } from '../support/cloud-events';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp } from '../support/test-app';

const serverUrl = process.env.TEST_DATABASE_URL;

/** What a newer version might bring: columns, a table, an index. */
const newer = {
  number: 9_001,
  name: '9001-newer-version',
  sql: `ALTER TABLE meter ADD COLUMN newer_note text;
ALTER TABLE entitlement_standing ADD COLUMN newer_note text NOT NULL DEFAULT '';
CREATE TABLE newer_thing (id text PRIMARY KEY);
CREATE INDEX customer_newer ON customer (name);
`,
};

describe('migrations', () => {
  it('only add: what an older replica reads and writes stays as it is', () => {
    // Widening an identity and replacing one unique constraint by another happened before the first release.
    const before = new Set(['0010-meter-backfill', '0012-series-identity']);
    const takesAway = /\b(DROP|RENAME|TRUNCATE|ALTER COLUMN \S+ (TYPE|SET NOT NULL))\b/i;
    // A check that is put back at once takes more than before, or the migration would fail on the rows that are there.
    const checkPutBack = /DROP CONSTRAINT (\w+);\s*ALTER TABLE \w+ ADD CONSTRAINT \1 CHECK/gi;
    const raisesFloor = /UPDATE schema_floor\b/i;
    const breaking = readMigrations()
      .filter(({ name, sql }) => {
        const text = sql.replace(/--.*$/gm, '').replace(checkPutBack, '');
        return takesAway.test(text) && !raisesFloor.test(text) && !before.has(name);
      })
      .map(({ name }) => name);
    expect(breaking).toEqual([]);
  });

  it('each say what they lock', () => {
    const silent = readMigrations().filter(({ sql }) => !/^-- .*\block/im.test(sql));
    expect(silent.map(({ name }) => name)).toEqual([]);
  });
});

describeOnEachStorage('a rolling upgrade', (storage) => {
  let opened: TestDatabase;
  beforeEach(async () => {
    opened = await storage.open();
  });
  afterEach(() => opened.drop());

  it('loses no request of the old version while the new one migrates, and the old one starts again afterwards', async () => {
    const { database } = opened;
    const old = await startTestApp(database);
    await old.request('POST', '/api/v1/meters', {
      slug: 'calls',
      aggregation: 'COUNT',
      eventType: 'kong.api_request',
    });
    let sent = 0;
    const statuses = new Set<number>();
    const send = async () => {
      const response = await old.request('POST', '/api/v1/events', cloudEvent());
      sent += 1;
      statuses.add(response.status);
    };
    let isMigrated = false;
    const traffic = (async () => {
      do await send();
      while (!isMigrated || sent < 20);
    })();
    await migrate(database, [...readMigrations(), newer]);
    isMigrated = true;
    await traffic;
    expect([...statuses]).toEqual([204]);
    await old.stop();

    // The old version once more, as after a crash in the middle of the upgrade.
    expect(await migrate(database)).toEqual([]);
    expect((await migrationState(database)).ahead).toEqual([newer.number]);
    const again = await startTestApp(database);
    const answer = await again.request('GET', '/api/v1/meters/calls/query');
    const { data } = (await answer.json()) as { data: { value: number }[] };
    expect(data[0]?.value).toBe(sent);
    await again.stop();
  });

  it('refuses to start a version that the schema has left behind, and says what to do', async () => {
    const breaking = {
      number: 9_002,
      name: '9002-breaking',
      sql: 'UPDATE schema_floor SET number = 9002;\n',
    };
    await migrate(opened.database, [...readMigrations(), breaking]);
    await expect(migrate(opened.database)).rejects.toMatchObject({
      code: 'schema_ahead',
      message: expect.stringMatching(/migration 9002.*Start the newer version, or restore a backup/),
    });
    expect(await migrate(opened.database, [...readMigrations(), breaking])).toEqual([]);
  });
});

if (serverUrl) {
  describe('replicas that start at the same moment on an empty database', () => {
    it('migrate it once', async () => {
      const name = `tollgate_test_${process.pid}_${randomBytes(4).toString('hex')}`;
      const admin = openNodePostgres({ connectionString: serverUrl, maximumConnections: 1 });
      await admin.script(`CREATE DATABASE ${name}`);
      const url = new URL(serverUrl);
      url.pathname = `/${name}`;
      const replicas = Array.from({ length: 6 }, () =>
        openNodePostgres({ connectionString: url.href, maximumConnections: 2 }),
      );
      try {
        const applied = await Promise.all(replicas.map((replica) => migrate(replica)));
        expect(applied.flat().sort()).toEqual(readMigrations().map((migration) => migration.name));
      } finally {
        for (const replica of replicas) await replica.close();
        await admin.script(`DROP DATABASE ${name} WITH (FORCE)`);
        await admin.close();
      }
    });
  });
}
