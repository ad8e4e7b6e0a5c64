import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for everything a bench writes, and the way to remove it; a bench that is ended by a signal removes it as well. */
export const temporaryDirectory = (): { directory: string; remove: () => void } => {
  const directory = mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
  const remove = () => rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      // After the handlers that end the processes writing there.
      process.once('exit', remove);
      process.exit(1);
    });
  }
  return { directory, remove };
};
