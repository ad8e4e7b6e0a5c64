import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeOnEachStorage } from '../support/storages';
import { describeSchema } from './describe-schema';

const file = join(__dirname, '../../migrations/schema.txt');

describeOnEachStorage('the schema', (storage) => {
  it('is what migrations/schema.txt says; UPDATE_SCHEMA=1 writes it anew', async () => {
    const { database, drop } = await storage.open();
    try {
      const schema = await describeSchema(database);
      if (process.env.UPDATE_SCHEMA === '1' && storage.kind === 'pglite') writeFileSync(file, schema);
      expect(schema).toBe(readFileSync(file, 'utf8'));
    } finally {
      await drop();
    }
  });
});
