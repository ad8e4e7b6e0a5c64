/**
 * Bytes of the MessagePack value that begins at `offset`, undefined while some of it has not arrived.
 * A stream carries no length in front of a message, so its end is found by walking it, without decoding.
 * Throws on the one byte that the format does not use. (github.com/msgpack/msgpack, spec.md)
 */
export function messageLength(bytes: Buffer, offset: number): number | undefined {
  let position = offset;
  let values = 1;
  while (values > 0) {
    if (position >= bytes.length) return undefined;
    const step = stepOver(bytes, position);
    if (step === undefined) return undefined;
    position += step.bytes;
    values += step.values - 1;
  }
  return position <= bytes.length ? position - offset : undefined;
}

interface Step {
  /** Header and, for a value without parts, its content. */
  readonly bytes: number;
  /** Values that follow as its parts. */
  readonly values: number;
}

/** Content bytes of the types from 0xca (float 32) to 0xd8 (fixext 16) with a fixed length. */
const fixedBytes = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17];

function stepOver(bytes: Buffer, at: number): Step | undefined {
  const type = bytes[at] as number;
  if (type <= 0x7f || type >= 0xe0) return { bytes: 1, values: 0 };
  if (type <= 0x8f) return { bytes: 1, values: 2 * (type & 0x0f) };
  if (type <= 0x9f) return { bytes: 1, values: type & 0x0f };
  if (type <= 0xbf) return { bytes: 1 + (type & 0x1f), values: 0 };
  if (type === 0xc0 || type === 0xc2 || type === 0xc3) return { bytes: 1, values: 0 };
  if (type === 0xc1) throw new RangeError('0xc1 is not a MessagePack type');
  if (type >= 0xca && type <= 0xd8) return { bytes: 1 + (fixedBytes[type - 0xca] as number), values: 0 };
  return stepOverSized(bytes, at, type);
}

/** Types whose length or count follows in 1, 2 or 4 bytes: bin, ext, str, array, map. */
function stepOverSized(bytes: Buffer, at: number, type: number): Step | undefined {
  const width = widthOf(type);
  if (at + 1 + width > bytes.length) return undefined;
  const size = bytes.readUIntBE(at + 1, width);
  if (type >= 0xde) return { bytes: 1 + width, values: 2 * size };
  if (type >= 0xdc) return { bytes: 1 + width, values: size };
  const extensionType = type >= 0xc7 && type <= 0xc9 ? 1 : 0;
  return { bytes: 1 + width + extensionType + size, values: 0 };
}

function widthOf(type: number): number {
  if (type >= 0xdc) return type % 2 === 0 ? 2 : 4;
  const order = type <= 0xc6 ? type - 0xc4 : type <= 0xc9 ? type - 0xc7 : type - 0xd9;
  return 1 << order;
}
