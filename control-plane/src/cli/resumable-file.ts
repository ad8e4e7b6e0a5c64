import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';

/** A file that grows page by page, and a note beside it from which an interrupted run goes on. */
export interface ResumableFile<Position> {
  /** Where the interrupted run stood; undefined at a first start. */
  readonly resumed: Position | undefined;
  /** Appends a page and notes the position after it, in this order: an interruption repeats a page, never skips one. */
  append(text: string, position: Position): void;
  /** The file is whole; the note goes. */
  finish(): void;
  close(): void;
}

interface Note<Position> {
  bytes: number;
  position: Position;
}

/** Opens `path`; what stands behind the last noted position is cut off and written again. */
export const openResumable = <Position>(path: string): ResumableFile<Position> => {
  const notePath = `${path}.progress`;
  const note = existsSync(notePath)
    ? (JSON.parse(readFileSync(notePath, 'utf8')) as Note<Position>)
    : undefined;
  if (note) truncateSync(path, note.bytes);
  const file = openSync(path, note ? 'a' : 'w');
  let bytes = note?.bytes ?? 0;
  return {
    resumed: note?.position,
    append: (text, position) => {
      bytes += writeSync(file, text);
      fsyncSync(file);
      writeFileSync(notePath, JSON.stringify({ bytes, position } satisfies Note<Position>));
    },
    finish: () => rmSync(notePath, { force: true }),
    close: () => closeSync(file),
  };
};
