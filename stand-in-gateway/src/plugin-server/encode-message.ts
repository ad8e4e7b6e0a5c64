/**
 * MessagePack as Kong's Lua encoder writes it: the old string formats only (no str 8), the shortest integers, absent
 * values left out of maps. A library's encoder writes str 8, so the frames would differ from the recorded ones.
 */
export function encodeMessage(message: unknown): Buffer {
  const writer = new Writer();
  writer.write(message);
  return writer.finish();
}

const INITIAL_BYTES = 4096;

class Writer {
  private buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  private at = 0;

  finish(): Buffer {
    return this.buffer.subarray(0, this.at);
  }

  write(value: unknown): void {
    if (value === null || value === undefined) this.byte(0xc0);
    else if (typeof value === 'string') this.string(value);
    else if (typeof value === 'number') this.number(value);
    else if (typeof value === 'boolean') this.byte(value ? 0xc3 : 0xc2);
    else if (Array.isArray(value)) this.array(value);
    else this.map(value as Record<string, unknown>);
  }

  private string(value: string): void {
    const length = Buffer.byteLength(value);
    this.reserve(length + 5);
    if (length <= 31) this.byte(0xa0 | length);
    else if (length <= 0xffff) this.uint(0xda, length, 2);
    else this.uint(0xdb, length, 4);
    this.at += this.buffer.write(value, this.at);
  }

  private number(value: number): void {
    if (!Number.isInteger(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) this.double(value);
    else if (value >= 0) this.unsigned(value);
    else this.signed(value);
  }

  private unsigned(value: number): void {
    if (value <= 0x7f) this.byte(value);
    else if (value <= 0xff) this.uint(0xcc, value, 1);
    else if (value <= 0xffff) this.uint(0xcd, value, 2);
    else if (value <= 0xffffffff) this.uint(0xce, value, 4);
    else {
      this.byte(0xcf);
      this.reserve(8);
      this.at = this.buffer.writeBigUInt64BE(BigInt(value), this.at);
    }
  }

  private signed(value: number): void {
    if (value >= -0x20) this.byte(0x100 + value);
    else if (value >= -0x80) this.uint(0xd0, 0x100 + value, 1);
    else if (value >= -0x8000) this.uint(0xd1, 0x10000 + value, 2);
    else if (value >= -0x80000000) this.uint(0xd2, 0x100000000 + value, 4);
    else {
      this.byte(0xd3);
      this.reserve(8);
      this.at = this.buffer.writeBigInt64BE(BigInt(value), this.at);
    }
  }

  private double(value: number): void {
    this.byte(0xcb);
    this.reserve(8);
    this.at = this.buffer.writeDoubleBE(value, this.at);
  }

  private array(values: readonly unknown[]): void {
    this.length(values.length, 0x90, 0xdc);
    for (const value of values) this.write(value);
  }

  private map(record: Record<string, unknown>): void {
    const entries = Object.entries(record).filter(([, value]) => value !== undefined);
    this.length(entries.length, 0x80, 0xde);
    for (const [key, value] of entries) {
      this.string(key);
      this.write(value);
    }
  }

  private length(length: number, short: number, long: number): void {
    if (length <= 15) this.byte(short | length);
    else if (length <= 0xffff) this.uint(long, length, 2);
    else this.uint(long + 1, length, 4);
  }

  private byte(value: number): void {
    this.reserve(1);
    this.buffer[this.at] = value;
    this.at += 1;
  }

  private uint(format: number, value: number, bytes: number): void {
    this.byte(format);
    this.reserve(bytes);
    this.at = this.buffer.writeUIntBE(value, this.at, bytes);
  }

  private reserve(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.at + bytes));
    this.buffer.copy(grown, 0, 0, this.at);
    this.buffer = grown;
  }
}
