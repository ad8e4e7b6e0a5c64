import fc from 'fast-check';
import { type Database, isUnavailable } from '../../src/storage';
import { migrate, migrationState } from '../../src/storage/migrate';
import { openNodePostgres } from '../../src/storage/postgres/node-postgres';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { waitUntil } from '../support/wait-until';

describeOnEachStorage('storage', (storage) => {
  let opened: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    opened = await storage.open();
    database = opened.database;
    await database.script('CREATE TABLE item (id integer PRIMARY KEY, amount bigint NOT NULL)');
  });
  afterAll(() => opened.drop());
  beforeEach(() => database.script('TRUNCATE item; INSERT INTO item VALUES (1, 0), (2, 0)'));

  const amounts = async (): Promise<number[]> =>
    (await database.query<{ amount: number }>('SELECT amount FROM item ORDER BY id')).rows.map(
      (row) => row.amount,
    );

  it('carries any text, integer and decimal through array parameters unchanged', async () => {
    const text = fc
      .string({ unit: 'grapheme', maxLength: 100 })
      .map((value) => value.replaceAll('\u0000', ''));
    const decimal = fc
      .tuple(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.nat({ max: 10 ** 9 }))
      .map(([integer, fraction]) => `${integer}.${String(fraction).padStart(9, '0')}`);
    const row = fc.record({
      text: fc.option(text),
      integer: fc.option(fc.maxSafeInteger()),
      decimal: fc.option(decimal),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 40 }), async (rows) => {
        const { arrays } = database;
        const result = await database.query(
          `SELECT text, integer, decimal FROM unnest($1::text[], $2::bigint[], $3::numeric[])
             WITH ORDINALITY AS r (text, integer, decimal, position) ORDER BY position`,
          [
            arrays.text(rows.map((one) => one.text)),
            arrays.bigint(rows.map((one) => one.integer)),
            arrays.numeric(rows.map((one) => one.decimal)),
          ],
        );
        expect(result.rows).toEqual(rows);
      }),
      { numRuns: 60 },
    );
  });

  it('takes a transaction that fails back, and tells the failure', async () => {
    const failing = database.transaction(async (transaction) => {
      await transaction.query('UPDATE item SET amount = 9');
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect(await amounts()).toEqual([0, 0]);
  });

  it('begins with a statement of either kind, and answers it', async () => {
    const [, inserted] = await database.transaction((transaction) =>
      Promise.all([
        transaction.query<{ one: number }>('SELECT 1 AS one'),
        transaction.query('UPDATE item SET amount = amount + $1', [1]),
      ]),
    );
    expect(inserted.rowCount).toBe(2);
    const { rows, rowCount } = await database.transaction((transaction) =>
      transaction.query<{ amount: number }>('UPDATE item SET amount = amount + 1 RETURNING amount'),
    );
    expect({ rows, rowCount }).toEqual({ rows: [{ amount: 2 }, { amount: 2 }], rowCount: 2 });
    const failing = database.transaction(async (transaction) => {
      await transaction.query('UPDATE item SET amount = $1', [9]);
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect(await amounts()).toEqual([2, 2]);
    expect(await database.transaction(async () => 'nothing asked')).toBe('nothing asked');
    expect(await amounts()).toEqual([2, 2]);
  });

  it('wakes others after a commit, never after a roll-back', async () => {
    const woken: string[] = [];
    await database.transaction(async (transaction) => {
      transaction.afterCommit(() => woken.push('committed'));
      await transaction.query('UPDATE item SET amount = 1');
      expect(woken).toEqual([]);
    });
    const failing = database.transaction(async (transaction) => {
      transaction.afterCommit(() => woken.push('rolled back'));
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(woken).toEqual(['committed']);
  });

  it('goes on after a transaction whose statement was wrong', async () => {
    const failing = database.transaction((transaction) =>
      transaction.query('SELECT no_such_column FROM item'),
    );
    await expect(failing).rejects.toMatchObject({ code: '42703' });
    expect(await amounts()).toEqual([0, 0]);
  });

  it('hears what another transaction notifies', async () => {
    const heard: string[] = [];
    const stop = await database.listen('storage_test', (payload) => heard.push(payload));
    await database.query("SELECT pg_notify('storage_test', $1)", ['hello']);
    await waitUntil('the notification', () => heard.length > 0);
    expect(heard).toEqual(['hello']);
    await stop();
  });

  it('applies migrations once, however many processes start together', async () => {
    const before = await migrationState(database);
    expect(before.pending).toEqual([]);
    const migrations = [{ number: 9_000, name: '9000-once', sql: 'CREATE TABLE once (id integer);' }];
    const applied = await Promise.all([1, 2, 3, 4].map(() => migrate(database, migrations)));
    expect(applied.flat()).toEqual(['9000-once']);
  });

  if (storage.kind === 'postgres') {
    it('has the server compile no statement: it would take longer than the statement', async () => {
      const shown = await Promise.all([1, 2, 3].map(() => database.query<{ jit: string }>('SHOW jit')));
      expect(shown.flatMap(({ rows }) => rows)).toEqual([{ jit: 'off' }, { jit: 'off' }, { jit: 'off' }]);
    });

    it('runs a transaction again that lost a deadlock', async () => {
      let arrived = 0;
      const both = new Promise<void>((resolve) => {
        const timer = setInterval(() => {
          if (arrived < 2) return;
          clearInterval(timer);
          resolve();
        }, 1);
      });
      const add = (first: number, second: number) =>
        database.transaction(async (transaction) => {
          await transaction.query('UPDATE item SET amount = amount + 1 WHERE id = $1', [first]);
          arrived += 1;
          await both;
          await transaction.query('UPDATE item SET amount = amount + 1 WHERE id = $1', [second]);
        });
      await Promise.all([add(1, 2), add(2, 1)]);
      expect(await amounts()).toEqual([2, 2]);
      expect(arrived).toBe(3);
    });

    it('replaces a connection that the server ended, and calls the failure temporary', async () => {
      const ending = database.transaction(async (transaction) => {
        await transaction.query('SELECT pg_terminate_backend(pg_backend_pid())');
      });
      const failure = await ending.catch((error: unknown) => error);
      expect(isUnavailable(failure)).toBe(true);
      expect(await amounts()).toEqual([0, 0]);
    });

    it('calls a server that is not there unavailable', async () => {
      const away = openNodePostgres({ connectionString: 'postgres://postgres@127.0.0.1:1/none' });
      const failure = await away.query('SELECT 1').catch((error: unknown) => error);
      expect(isUnavailable(failure)).toBe(true);
      await away.close();
    });
  }
});
