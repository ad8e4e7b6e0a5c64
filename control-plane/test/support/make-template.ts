import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { readMigrations, statementsOf } from '../../src/storage/migrate';

/**
 * Makes one migrated, embedded database for the whole run; every suite begins with a copy of it, which takes a sixth of
 * the time of making one.
 */
export default async function makeTemplate(): Promise<void> {
  const database = await PGlite.create();
  await database.exec(
    'CREATE TABLE schema_migration (number integer PRIMARY KEY, name text NOT NULL, applied_at bigint NOT NULL)',
  );
  for (const { number, name, sql } of readMigrations()) {
    for (const statement of statementsOf(sql)) await database.exec(statement);
    await database.query('INSERT INTO schema_migration (number, name, applied_at) VALUES ($1, $2, $3)', [
      number,
      name,
      0,
    ]);
  }
  const archive = await database.dumpDataDir('none');
  await database.close();
  const file = join(mkdtempSync(join(tmpdir(), 'tollgate-template-')), 'database.tar');
  writeFileSync(file, Buffer.from(await archive.arrayBuffer()));
  process.env.TOLLGATE_TEST_TEMPLATE = file;
}
