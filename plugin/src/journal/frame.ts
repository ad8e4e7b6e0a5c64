import { crc32 } from 'node:zlib';

/**
 * One entry on disk: magic (4 bytes), payload length (4), CRC-32 of time and payload (4), time of the append in
 * ms since 1970 (8, double), payload. All big-endian. The magic lets a reader find the next entry behind a
 * damaged one; length and CRC tell a write that was torn by a crash from a whole one.
 */
const magic = 0x54_47_4a_31;
export const frameHeaderBytes = 20;
/** No event is near this long; a greater length on disk is damage, not an entry. */
export const maxPayloadBytes = 1024 * 1024;

export interface Entry {
  readonly payload: Buffer;
  readonly appendedAt: number;
}

/** What stands at an offset: an entry, too few bytes to tell, or damage. */
export type Frame =
  | { readonly kind: 'entry'; readonly entry: Entry; readonly end: number }
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'damaged' };

/** The bytes of one entry. `appendedAt` in ms since 1970. */
export function encodeFrame(payload: Buffer, appendedAt: number): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + payload.length);
  frame.writeUInt32BE(magic, 0);
  frame.writeUInt32BE(payload.length, 4);
  frame.writeDoubleBE(appendedAt, 12);
  payload.copy(frame, frameHeaderBytes);
  frame.writeUInt32BE(crc32(frame.subarray(12)), 8);
  return frame;
}

/** Reads the entry at `offset`. The payload is a view into `bytes`, not a copy. */
export function decodeFrame(bytes: Buffer, offset: number): Frame {
  if (bytes.length - offset < frameHeaderBytes) return { kind: 'incomplete' };
  const length = bytes.readUInt32BE(offset + 4);
  if (bytes.readUInt32BE(offset) !== magic || length > maxPayloadBytes) return { kind: 'damaged' };
  const end = offset + frameHeaderBytes + length;
  if (end > bytes.length) return { kind: 'incomplete' };
  if (bytes.readUInt32BE(offset + 8) !== crc32(bytes.subarray(offset + 12, end))) return { kind: 'damaged' };
  const payload = bytes.subarray(offset + frameHeaderBytes, end);
  return { kind: 'entry', entry: { payload, appendedAt: bytes.readDoubleBE(offset + 12) }, end };
}

const magicBytes = Buffer.from('TGJ1', 'latin1');

/** Where the next entry behind a damaged one may begin; unless these are the last bytes, it may be cut in two. */
export function nextFrame(bytes: Buffer, offset: number, isLast: boolean): number {
  const next = bytes.indexOf(magicBytes, offset + 1);
  if (next !== -1) return next;
  return isLast ? bytes.length : Math.max(offset + 1, bytes.length - magicBytes.length + 1);
}
