import { connect } from 'node:net';
import { relative } from 'node:path';

/** Whether a process accepts connections at this path; the file alone outlives a process that was killed. */
export function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(shortPath(path));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** The kernel takes 107 bytes of socket path; the way from the working folder may be the shorter one. */
export function shortPath(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.length < path.length ? fromHere : path;
}
