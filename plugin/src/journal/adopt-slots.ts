import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Cursor } from './cursor';
import { JournalLock } from './journal-lock';
import { segmentName, segmentNumber } from './segment-file';

/**
 * Hands the events of processes that no longer exist to the first one: a server that ran with four processes and
 * starts with two would otherwise leave what the others had not delivered. Slots in use are left alone. Returns
 * how many segments were moved. A partly delivered segment is delivered again from its beginning.
 */
export async function adoptSlots(root: string, processes: number): Promise<number> {
  if (!existsSync(root)) return 0;
  const slots = readdirSync(root).filter((name) => /^\d+$/.test(name) && Number(name) > processes);
  let moved = 0;
  for (const slot of slots) {
    const lock = await JournalLock.acquire(join(root, slot));
    try {
      for (const destination of subfolders(join(root, slot))) {
        moved += moveSegments(join(root, slot, destination), join(root, '1', destination));
      }
    } finally {
      lock.release();
    }
  }
  return moved;
}

function subfolders(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

function moveSegments(from: string, to: string): number {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  const delivered = cursorSegment(from);
  let last = Math.max(cursorSegment(to), ...segmentsIn(to));
  const numbers = segmentsIn(from).filter((number) => number >= delivered);
  for (const number of numbers) {
    last += 1;
    renameSync(join(from, segmentName(number)), join(to, segmentName(last)));
  }
  rmSync(join(from, 'cursor'), { force: true });
  return numbers.length;
}

function segmentsIn(directory: string): number[] {
  return readdirSync(directory)
    .map(segmentNumber)
    .filter((number) => number !== undefined)
    .sort((a, b) => a - b);
}

function cursorSegment(directory: string): number {
  const cursor = Cursor.open(join(directory, 'cursor'));
  try {
    return cursor.position.segment;
  } finally {
    cursor.close();
  }
}
