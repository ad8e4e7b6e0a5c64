import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { Position } from './segment-file';

const bytesOnDisk = 20;

/**
 * How far the journal has been delivered, in a 20-byte file (segment, offset as doubles, CRC-32) that is
 * overwritten in place. It is never synced: an older or unreadable cursor only means that some events are sent
 * again, and the control plane drops those by their (source, id).
 */
export class Cursor {
  private constructor(
    private readonly fd: number,
    private current: Position,
  ) {}

  static open(path: string): Cursor {
    const fd = openSync(path, 'a+', 0o600);
    closeSync(fd);
    const writable = openSync(path, 'r+');
    return new Cursor(writable, readPosition(writable));
  }

  get position(): Position {
    return this.current;
  }

  /** A full disk does not matter here: the bytes exist already, and a lost move is only a repeated delivery. */
  moveTo(position: Position): void {
    this.current = position;
    const bytes = Buffer.alloc(bytesOnDisk);
    bytes.writeDoubleBE(position.segment, 0);
    bytes.writeDoubleBE(position.offset, 8);
    bytes.writeUInt32BE(crc32(bytes.subarray(0, 16)), 16);
    try {
      writeSync(this.fd, bytes, 0, bytesOnDisk, 0);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}

const isDiskFull = (error: unknown): boolean => {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOSPC' || code === 'EDQUOT';
};

function readPosition(fd: number): Position {
  const bytes = Buffer.alloc(bytesOnDisk);
  const isWhole = readSync(fd, bytes, 0, bytesOnDisk, 0) === bytesOnDisk;
  const isIntact = isWhole && crc32(bytes.subarray(0, 16)) === bytes.readUInt32BE(16);
  return isIntact
    ? { segment: bytes.readDoubleBE(0), offset: bytes.readDoubleBE(8) }
    : { segment: 0, offset: 0 };
}
