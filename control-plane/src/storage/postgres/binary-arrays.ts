import type { ArrayParameters } from '../database';

/**
 * Array parameters in PostgreSQL's binary format (array_send/array_recv): no quoting, no escaping and no
 * parsing of text, which is most of the cost of a large batch on both sides.
 */
const oids = { bigint: 20, text: 25 } as const;
const headerBytes = 20;

const writeHeader = (buffer: Buffer, oid: number, count: number, hasNull: boolean): number => {
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(hasNull ? 1 : 0, 4);
  buffer.writeInt32BE(oid, 8);
  buffer.writeInt32BE(count, 12);
  buffer.writeInt32BE(1, 16);
  return headerBytes;
};

const emptyArray = (oid: number): Buffer => {
  const buffer = Buffer.alloc(12);
  buffer.writeInt32BE(oid, 8);
  return buffer;
};

/** Up to this length a loop is faster than the call into the runtime that longer text is worth. */
const loopLength = 64;

/** Writes text as UTF-8 and returns its bytes. */
const writeText = (buffer: Buffer, text: string, offset: number): number => {
  const { length } = text;
  if (length > loopLength) return buffer.write(text, offset, 'utf8');
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) return buffer.write(text, offset, 'utf8');
    buffer[offset + index] = code;
  }
  return length;
};

const writeLength = (buffer: Buffer, length: number, offset: number): void => {
  buffer[offset] = length >>> 24;
  buffer[offset + 1] = length >>> 16;
  buffer[offset + 2] = length >>> 8;
  buffer[offset + 3] = length;
};

/** Room beyond one byte a character, so that a text here and there with longer characters needs no larger buffer. */
const spareBytes = 64;

/** A buffer with room for `bytes` more at `offset`: the same one, or a larger copy. */
const withRoom = (buffer: Buffer<ArrayBuffer>, offset: number, bytes: number): Buffer<ArrayBuffer> => {
  if (offset + bytes <= buffer.length) return buffer;
  const larger = Buffer.allocUnsafe(Math.max(offset + bytes, buffer.length * 2));
  buffer.copy(larger, 0, 0, offset);
  return larger;
};

/** Nearly all text is ASCII, so the buffer begins with a byte a character and grows where that turns out too small. */
const encodeText = (values: readonly (string | null)[]): Buffer => {
  if (values.length === 0) return emptyArray(oids.text);
  let characters = 0;
  for (const value of values) if (value !== null) characters += value.length;
  let buffer = Buffer.allocUnsafe(headerBytes + values.length * 4 + characters + spareBytes);
  let hasNull = false;
  let offset = headerBytes;
  for (const value of values) {
    buffer = withRoom(buffer, offset, 4);
    if (value === null) {
      hasNull = true;
      offset = buffer.writeInt32BE(-1, offset);
      continue;
    }
    // A UTF-16 unit has three bytes at most; only near the end of the buffer is it worth counting them.
    if (offset + 4 + value.length * 3 > buffer.length)
      buffer = withRoom(buffer, offset, 4 + Buffer.byteLength(value));
    const bytes = writeText(buffer, value, offset + 4);
    writeLength(buffer, bytes, offset);
    offset += 4 + bytes;
  }
  writeHeader(buffer, oids.text, values.length, hasNull);
  return buffer.subarray(0, offset);
};

const encodeBigint = (values: readonly (number | null)[]): Buffer => {
  if (values.length === 0) return emptyArray(oids.bigint);
  const buffer = Buffer.allocUnsafe(headerBytes + values.length * 12);
  let hasNull = false;
  let offset = headerBytes;
  for (const value of values) {
    if (value === null) {
      hasNull = true;
      offset = buffer.writeInt32BE(-1, offset);
      continue;
    }
    offset = buffer.writeInt32BE(8, offset);
    offset = buffer.writeInt32BE(Math.floor(value / 4294967296), offset);
    offset = buffer.writeUInt32BE(value >>> 0, offset);
  }
  writeHeader(buffer, oids.bigint, values.length, hasNull);
  return buffer.subarray(0, offset);
};

const encodeNumericAsText = (values: readonly (string | null)[]): string =>
  `{${values.map((value) => value ?? 'NULL').join(',')}}`;

export const binaryArrays: ArrayParameters = {
  text: encodeText,
  bigint: encodeBigint,
  numeric: encodeNumericAsText,
};
