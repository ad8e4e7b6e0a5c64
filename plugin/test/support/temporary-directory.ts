import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made: string[] = [];

/** A folder that is gone after the test. The name is short: socket paths in it must fit 107 bytes. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tg-'));
  made.push(directory);
  return directory;
}

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
});
