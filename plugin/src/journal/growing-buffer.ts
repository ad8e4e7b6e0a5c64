const firstBytes = 64 * 1024;

/** Bytes that gather and are taken all at once; the memory is used again for the next ones. */
export class GrowingBuffer {
  bytes: Buffer = Buffer.allocUnsafe(firstBytes);
  /** Bytes in use. */
  length = 0;

  /** Makes room for so many more bytes. */
  reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.length + more));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  /** What has gathered, valid until the next `reserve`. */
  take(): Buffer {
    const taken = this.bytes.subarray(0, this.length);
    this.length = 0;
    return taken;
  }
}
