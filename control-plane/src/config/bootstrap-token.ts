import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface BootstrapToken {
  token: string;
  /** Where it was read from or written to; undefined when the environment gave it. */
  file?: string;
}

/**
 * The token that may do everything: from the configuration, or from `<dataDirectory>/token`, which is made with mode 0600
 * at the first start. Several processes that start at once agree on one, since only the first creates the file.
 */
export const bootstrapToken = (given: string | undefined, dataDirectory: string): BootstrapToken => {
  if (given) return { token: given };
  mkdirSync(dataDirectory, { recursive: true });
  const file = join(dataDirectory, 'token');
  try {
    const token = `tg_${randomBytes(32).toString('base64url')}`;
    writeFileSync(file, `${token}\n`, { mode: 0o600, flag: 'wx' });
    return { token, file };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return { token: readFileSync(file, 'utf8').trim(), file };
  }
};
