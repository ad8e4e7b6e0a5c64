import {
  closeSync,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { FsyncPolicy } from '../configuration/configuration';
import { Cursor } from './cursor';
import { type Entry, encodeFrame, maxFrameBytes, maxPayloadBytes } from './frame';
import { GrowingBuffer } from './growing-buffer';
import { type Position, readChunk, segmentName, segmentNumber, surveySegment } from './segment-file';

const syncFile = promisify(fdatasync);

/** An append that did not happen. `journal_full`: the configured bytes are used up; the rest is the disk's error. */
export class JournalError extends Error {
  constructor(
    readonly code: 'journal_full' | 'journal_write_failed' | 'journal_entry_too_large' | 'journal_closed',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'JournalError';
  }
}

export interface JournalOptions {
  readonly directory: string;
  readonly maxBytes: number;
  readonly segmentBytes: number;
  readonly fsync: FsyncPolicy;
  readonly fsyncIntervalMs: number;
  /** Clock in ms since 1970. */
  readonly now: () => number;
  /** Where a write or a sync goes wrong outside any one append. */
  readonly onFailure: (error: Error) => void;
}

/** Entries read for delivery; hand it back to `settle` when the control plane has answered for all of them. */
export interface Batch {
  readonly entries: readonly Entry[];
  readonly end: Position;
}

interface Segment {
  readonly number: number;
  readonly path: string;
  /** Bytes written and whole; the file may be longer after a failed write. */
  size: number;
}

interface OpenFile {
  readonly segment: Segment;
  readonly fd: number;
  isRetired: boolean;
}

interface Append {
  readonly resolve: () => void;
  readonly reject: (error: JournalError) => void;
}

interface OpenBatch extends Batch {
  isSettled: boolean;
}

/**
 * A log of entries on disk that is also the queue: appended at one end, read for delivery at the other, its
 * segments deleted as they are settled. Memory holds no entries but those of the current event-loop turn and of
 * the batches under way, whatever the backlog.
 *
 * Invariants: an append resolves only when its frame is in the file (under fsync `always`: on the disk); the
 * cursor never passes an entry that is not settled; a segment is deleted only when the cursor is beyond it.
 */
export class Journal {
  private readonly segments: Segment[] = [];
  private readonly cursor: Cursor;
  private readonly openBatches: OpenBatch[] = [];
  private pending: Append[] = [];
  private unsynced: Append[] = [];
  /** The frames of `pending`, in order. */
  private readonly turn = new GrowingBuffer();
  private totalBytes = 0;
  private depthEntries = 0;
  private damaged = 0;
  private firstWaitingAt: number | undefined;
  private reader: Position;
  private writer: OpenFile | undefined;
  /** Files with writes that no sync has covered yet. */
  private readonly dirty = new Set<OpenFile>();
  private readerFile: { readonly segment: number; readonly fd: number } | undefined;
  private isFlushScheduled = false;
  private syncing: Promise<void> | undefined;
  private isClosed = false;
  private readonly segmentBytes: number;
  private readonly syncTimer: NodeJS.Timeout | undefined;

  private constructor(private readonly options: JournalOptions) {
    // Settled bytes are freed a segment at a time, so one segment must be a small part of the whole allowance.
    this.segmentBytes = Math.min(options.segmentBytes, Math.floor(options.maxBytes / 4));
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    this.cursor = Cursor.open(join(options.directory, 'cursor'));
    this.adoptSegments();
    this.reader = this.cursor.position;
    if (options.fsync === 'interval') {
      this.syncTimer = setInterval(() => this.sync(), options.fsyncIntervalMs).unref();
    }
  }

  /** Opens the folder, makes it when absent, and finds what an earlier process left. Throws when it cannot. */
  static open(options: JournalOptions): Journal {
    return new Journal(options);
  }

  /** Entries not settled yet. */
  get depth(): number {
    return this.depthEntries;
  }

  /** Entries that no batch has been made of yet. */
  get unread(): number {
    return this.openBatches.reduce((rest, { entries }) => rest - entries.length, this.depthEntries);
  }

  /** Bytes of all segments on disk. */
  get bytes(): number {
    return this.totalBytes;
  }

  /** Bytes that an earlier crash or the disk made unreadable. */
  get damagedBytes(): number {
    return this.damaged;
  }

  /** When the oldest entry that waits was appended (ms since 1970); undefined when none waits. */
  get oldestAt(): number | undefined {
    return this.depthEntries === 0
      ? undefined
      : (this.openBatches[0]?.entries[0]?.appendedAt ?? this.firstWaitingAt);
  }

  /** Appends one entry. All appends of one event-loop turn become one write. */
  append(text: string): Promise<void> {
    const refusal = this.refusalOf(text);
    if (refusal) return Promise.reject(refusal);
    this.turn.reserve(maxFrameBytes(text));
    this.turn.length = encodeFrame(this.turn.bytes, this.turn.length, text, this.options.now());
    return new Promise((resolve, reject) => {
      this.pending.push({ resolve, reject });
      if (this.isFlushScheduled) return;
      this.isFlushScheduled = true;
      setImmediate(() => this.flush());
    });
  }

  /** The next entries in order, or undefined when all that was appended has been handed out. */
  next(maxEntries: number, maxBytes: number): Batch | undefined {
    for (;;) {
      const segment = this.segments.find(({ number }) => number >= this.reader.segment);
      if (segment === undefined) return undefined;
      if (segment.number > this.reader.segment) this.reader = { segment: segment.number, offset: 0 };
      const isClosed = segment !== this.writer?.segment;
      if (this.reader.offset >= segment.size) {
        if (!isClosed) return undefined;
        this.reader = { segment: segment.number + 1, offset: 0 };
        continue;
      }
      const fd = this.openForReading(segment);
      const chunk = readChunk(fd, this.reader.offset, segment.size, { maxEntries, maxBytes }, isClosed);
      if (chunk.end === this.reader.offset) return undefined;
      this.reader = { segment: segment.number, offset: chunk.end };
      if (chunk.entries.length === 0) continue;
      const batch: OpenBatch = { entries: chunk.entries, end: this.reader, isSettled: false };
      this.openBatches.push(batch);
      return batch;
    }
  }

  /** Every entry of the batch has been answered for: it will not be read again, not even after a restart. */
  settle(batch: Batch): void {
    const open = this.openBatches.find((candidate) => candidate === batch);
    if (open === undefined || open.isSettled) return;
    open.isSettled = true;
    while (this.openBatches[0]?.isSettled) {
      const { entries, end } = this.openBatches.shift() as OpenBatch;
      this.depthEntries -= entries.length;
      this.firstWaitingAt = entries.at(-1)?.appendedAt;
      this.cursor.moveTo(end);
    }
    this.deleteSettledSegments();
  }

  /** Writes what is pending, syncs unless the policy is `never`, and closes the files. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    clearInterval(this.syncTimer);
    this.flush();
    while (this.syncing) await this.syncing;
    if (this.writer && this.dirty.has(this.writer)) fsyncSync(this.writer.fd);
    if (this.writer) closeSync(this.writer.fd);
    if (this.readerFile) closeSync(this.readerFile.fd);
    this.cursor.close();
  }

  private refusalOf(text: string): JournalError | undefined {
    if (this.isClosed) return new JournalError('journal_closed', 'the journal is closed');
    const most = maxFrameBytes(text);
    if (most > maxPayloadBytes) {
      return new JournalError('journal_entry_too_large', `an entry of ${text.length} characters is too long`);
    }
    if (this.totalBytes + this.turn.length + most <= this.options.maxBytes) return undefined;
    return new JournalError('journal_full', `the journal holds its ${this.options.maxBytes} bytes`);
  }

  private adoptSegments(): void {
    const { directory } = this.options;
    const numbers = readdirSync(directory)
      .map(segmentNumber)
      .filter((number) => number !== undefined);
    for (const number of numbers.sort((a, b) => a - b)) {
      const path = join(directory, segmentName(number));
      const { size } = statSync(path);
      if (number < this.cursor.position.segment || size === 0) {
        unlinkSync(path);
        continue;
      }
      const from = number === this.cursor.position.segment ? this.cursor.position.offset : 0;
      const survey = surveySegment(path, from, size);
      this.depthEntries += survey.entries;
      this.damaged += survey.damagedBytes;
      this.firstWaitingAt ??= survey.oldestAt;
      this.totalBytes += size;
      this.segments.push({ number, path, size });
    }
  }

  private flush(): void {
    this.isFlushScheduled = false;
    const appends = this.pending;
    if (appends.length === 0) return;
    this.pending = [];
    const frames = this.turn.take();
    try {
      this.write(frames, appends.length);
    } catch (error) {
      const failure = new JournalError(
        'journal_write_failed',
        `the journal cannot be written: ${(error as Error).message}`,
        {
          cause: error,
        },
      );
      this.options.onFailure(failure);
      for (const { reject } of appends) reject(failure);
      return;
    }
    if (this.options.fsync === 'always') {
      this.unsynced.push(...appends);
      this.sync();
    } else for (const { resolve } of appends) resolve();
  }

  private write(bytes: Buffer, entries: number): void {
    const file = this.writerFor();
    const { segment, fd } = file;
    let written = 0;
    try {
      while (written < bytes.length) {
        written += writeSync(fd, bytes, written, bytes.length - written, segment.size + written);
      }
    } catch (error) {
      this.discardTornWrite(segment, fd);
      throw error;
    }
    if (this.depthEntries === 0) this.firstWaitingAt = this.options.now();
    segment.size += bytes.length;
    this.totalBytes += bytes.length;
    this.depthEntries += entries;
    if (this.options.fsync !== 'never') this.dirty.add(file);
  }

  /** The next write starts where this one did, so a write that failed half-way leaves nothing to read. */
  private discardTornWrite(segment: Segment, fd: number): void {
    try {
      ftruncateSync(fd, segment.size);
    } catch (error) {
      this.options.onFailure(error as Error);
    }
  }

  private writerFor(): OpenFile {
    const current = this.writer;
    if (current && current.segment.size < this.segmentBytes) return current;
    const number =
      Math.max(this.segments.at(-1)?.number ?? 0, this.cursor.position.segment, this.reader.segment) + 1;
    const path = join(this.options.directory, segmentName(number));
    const fd = openSync(path, 'wx', 0o600);
    if (this.options.fsync === 'always') this.syncDirectory();
    if (current) this.retire(current);
    const segment: Segment = { number, path, size: 0 };
    this.segments.push(segment);
    this.writer = { segment, fd, isRetired: false };
    return this.writer;
  }

  /** A full segment is closed once it is synced, away from the event loop: a sync can take many milliseconds. */
  private retire(file: OpenFile): void {
    file.isRetired = true;
    if (this.options.fsync === 'never') closeSync(file.fd);
    else {
      this.dirty.add(file);
      this.sync();
    }
  }

  private syncDirectory(): void {
    const fd = openSync(this.options.directory, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** One sync at a time; whoever appended while it ran waits for the next. */
  private sync(): void {
    if (this.syncing || this.dirty.size === 0) return;
    const files = [...this.dirty];
    this.dirty.clear();
    const waiting = this.unsynced.splice(0);
    this.syncing = Promise.all(files.map((file) => syncFile(file.fd)))
      .then(
        () => {
          for (const { resolve } of waiting) resolve();
        },
        (error: Error) => this.failSync(error, waiting),
      )
      .finally(() => {
        for (const file of files) if (file.isRetired && !this.dirty.has(file)) closeSync(file.fd);
        this.syncing = undefined;
        if (this.unsynced.length > 0) this.sync();
      });
  }

  private failSync(error: Error, waiting: readonly Append[]): void {
    this.options.onFailure(error);
    const failure = new JournalError(
      'journal_write_failed',
      `the journal cannot be synced: ${error.message}`,
      { cause: error },
    );
    for (const { reject } of waiting) reject(failure);
  }

  private openForReading(segment: Segment): number {
    if (this.readerFile?.segment === segment.number) return this.readerFile.fd;
    if (this.readerFile) closeSync(this.readerFile.fd);
    this.readerFile = { segment: segment.number, fd: openSync(segment.path, 'r') };
    return this.readerFile.fd;
  }

  private deleteSettledSegments(): void {
    const { segment, offset } = this.cursor.position;
    for (;;) {
      const first = this.segments[0];
      if (first === undefined || first === this.writer?.segment) return;
      const isSettled = first.number < segment || (first.number === segment && offset >= first.size);
      if (!isSettled) return;
      this.segments.shift();
      this.totalBytes -= first.size;
      if (this.readerFile?.segment === first.number) {
        closeSync(this.readerFile.fd);
        this.readerFile = undefined;
      }
      unlinkSync(first.path);
    }
  }
}
