import { randomBytes } from 'node:crypto';
import { linkSync, lstatSync, mkdirSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { isListening, shortPath } from '../sockets/unix-socket';

/** Another live process writes to this journal. */
export class JournalLocked extends Error {
  readonly code = 'journal_locked';

  constructor(directory: string) {
    super(
      `another process is using the journal in ${directory}; give each plugin server a folder of its own`,
    );
    this.name = 'JournalLocked';
  }
}

/**
 * Holds a folder for one process by listening on a unix socket in it. Whether the holder still lives is asked
 * of the kernel by connecting: process ids say nothing when holder and asker are in different containers, or
 * when every container's process has the id 1.
 */
export class JournalLock {
  private constructor(
    private readonly server: Server,
    private readonly path: string,
  ) {}

  /** Throws JournalLocked while another process holds the folder. */
  static async acquire(directory: string): Promise<JournalLock> {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const path = join(directory, 'lock');
    // A socket's address is its inode, which a rename keeps: listening under a name of our own and linking it
    // to the shared name makes taking the lock one atomic step.
    const own = join(directory, `lock.${randomBytes(4).toString('hex')}`);
    const server = await listen(shortPath(own));
    try {
      await take(own, path, directory);
    } catch (error) {
      server.close();
      throw error;
    } finally {
      rmSync(own, { force: true });
    }
    server.unref();
    return new JournalLock(server, path);
  }

  release(): void {
    rmSync(this.path, { force: true });
    this.server.close();
  }
}

async function take(own: string, path: string, directory: string): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    try {
      linkSync(own, path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const seen = inodeOf(path);
    if (await isListening(path)) throw new JournalLocked(directory);
    removeStale(path, seen);
  }
  throw new JournalLocked(directory);
}

/** Takes the dead lock away, unless somebody else did so and put a live one there meanwhile. */
function removeStale(path: string, seen: number | undefined): void {
  const aside = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    renameSync(path, aside);
    if (inodeOf(aside) === seen) unlinkSync(aside);
    else renameSync(aside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function inodeOf(path: string): number | undefined {
  try {
    return lstatSync(path).ino;
  } catch {
    return undefined;
  }
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}
