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

/** Most bytes that an entry for this text can take: UTF-8 has at most three for each UTF-16 unit. */
export const maxFrameBytes = (text: string): number => frameHeaderBytes + 3 * text.length;

/** Writes one entry at `offset` and returns its end. `target` must have room for `maxFrameBytes`. */
export function encodeFrame(target: Buffer, offset: number, text: string, appendedAt: number): number {
  const length = target.write(text, offset + frameHeaderBytes, 'utf8');
  const end = offset + frameHeaderBytes + length;
  target.writeUInt32BE(magic, offset);
  target.writeUInt32BE(length, offset + 4);
  target.writeDoubleBE(appendedAt, offset + 12);
  target.writeUInt32BE(crc32(target.subarray(offset + 12, end)), offset + 8);
  return end;
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
