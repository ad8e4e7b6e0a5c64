import { closeSync, openSync, readSync } from 'node:fs';
import { decodeFrame, type Entry, frameHeaderBytes, maxPayloadBytes, nextFrame } from './frame';

/** A place in the journal: everything before it has been read, or delivered. */
export interface Position {
  readonly segment: number;
  readonly offset: number;
}

export const segmentName = (segment: number): string => `${String(segment).padStart(10, '0')}.journal`;

/** The number in a segment's file name; undefined for any other file. */
export function segmentNumber(fileName: string): number | undefined {
  const match = /^(\d{10})\.journal$/.exec(fileName);
  return match ? Number(match[1]) : undefined;
}

export interface Chunk {
  readonly entries: readonly Entry[];
  /** Offset behind the last entry taken. */
  readonly end: number;
  /** Bytes that hold no readable entry. */
  readonly damagedBytes: number;
}

const chunkBytes = 256 * 1024;

/**
 * Reads whole entries from `offset` up to `size` (the bytes known to be written), at most `maxEntries` of them
 * and about `maxBytes`, but at least one when there is one. Bytes behind the last whole entry of a segment that
 * nobody writes to any more (`isClosed`) are what a crash tore off: they count as damaged and are passed over.
 */
export function readChunk(
  fd: number,
  offset: number,
  size: number,
  limits: { readonly maxEntries: number; readonly maxBytes: number },
  isClosed: boolean,
): Chunk {
  const wanted = Math.min(limits.maxBytes, chunkBytes, size - offset);
  let bytes = readAt(fd, offset, wanted);
  let chunk = decodeChunk(bytes, limits.maxEntries, isClosed && offset + bytes.length >= size);
  if (chunk.end === 0 && offset + bytes.length < size) {
    bytes = readAt(fd, offset, Math.min(maxPayloadBytes + frameHeaderBytes, size - offset));
    chunk = decodeChunk(bytes, 1, isClosed && offset + bytes.length >= size);
  }
  return { ...chunk, end: offset + chunk.end };
}

/** `isLast`: nothing will ever follow these bytes, so an incomplete entry is a torn one. */
function decodeChunk(bytes: Buffer, maxEntries: number, isLast: boolean): Chunk {
  const entries: Entry[] = [];
  let end = 0;
  let damagedBytes = 0;
  while (entries.length < maxEntries && end < bytes.length) {
    const frame = decodeFrame(bytes, end);
    if (frame.kind === 'entry') {
      entries.push(frame.entry);
      end = frame.end;
      continue;
    }
    if (frame.kind === 'incomplete' && !isLast) break;
    const next = nextFrame(bytes, end, isLast);
    damagedBytes += next - end;
    end = next;
  }
  return { entries, end, damagedBytes };
}

function readAt(fd: number, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(Math.max(0, length));
  let filled = 0;
  while (filled < bytes.length) {
    const count = readSync(fd, bytes, filled, bytes.length - filled, offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

export interface Survey {
  readonly entries: number;
  readonly damagedBytes: number;
  readonly oldestAt: number | undefined;
}

/** Counts what a segment left behind by an earlier process holds from `offset` on. */
export function surveySegment(path: string, offset: number, size: number): Survey {
  const fd = openSync(path, 'r');
  try {
    let entries = 0;
    let damagedBytes = 0;
    let oldestAt: number | undefined;
    let position = offset;
    while (position < size) {
      const chunk = readChunk(fd, position, size, { maxEntries: 100_000, maxBytes: chunkBytes }, true);
      entries += chunk.entries.length;
      damagedBytes += chunk.damagedBytes;
      oldestAt ??= chunk.entries[0]?.appendedAt;
      position = chunk.end;
    }
    return { entries, damagedBytes, oldestAt };
  } finally {
    closeSync(fd);
  }
}
