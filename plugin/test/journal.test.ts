import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { Journal, type JournalOptions } from '../src/journal/journal';
import { temporaryDirectory } from './support/temporary-directory';

const failures: Error[] = [];
afterEach(() => {
  failures.length = 0;
});

const open = (directory: string, changes: Partial<JournalOptions> = {}): Journal =>
  Journal.open({
    directory,
    maxBytes: 1024 * 1024,
    segmentBytes: 4096,
    fsync: 'never',
    fsyncIntervalMs: 1000,
    now: () => 1_000,
    onFailure: (error) => failures.push(error),
    ...changes,
  });

const segments = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.journal'))
    .sort();

/** Reads and settles all that waits. */
function drain(journal: Journal, maxEntries = 7): string[] {
  const texts: string[] = [];
  for (;;) {
    const batch = journal.next(maxEntries, 100_000);
    if (!batch) return texts;
    texts.push(...batch.entries.map(({ payload }) => payload.toString('utf8')));
    journal.settle(batch);
  }
}

const numbered = (count: number, first = 0): string[] =>
  Array.from({ length: count }, (_, index) => `event-${first + index}-${'x'.repeat(index % 90)}`);

const appendAll = (journal: Journal, texts: readonly string[]) =>
  Promise.all(texts.map((text) => journal.append(text)));

test('entries come back once, in order, and a drained journal keeps one segment', async () => {
  const directory = temporaryDirectory();
  const journal = open(directory);
  const texts = numbered(500);
  for (const text of texts) await journal.append(text);
  expect(journal.depth).toBe(500);
  expect(segments(directory).length).toBeGreaterThan(5);
  expect(drain(journal)).toEqual(texts);
  expect(journal.depth).toBe(0);
  expect(journal.oldestAt).toBeUndefined();
  expect(segments(directory).length).toBe(1);
  await journal.close();
});

test('whatever the order of appends, reads, settlements and crashes, nothing is lost and nothing settled returns', async () => {
  const command = fc.oneof(
    fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 30 }) }),
    fc.record({ do: fc.constant('read' as const), count: fc.integer({ min: 1, max: 20 }) }),
    fc.record({ do: fc.constant('settle' as const), count: fc.integer({ min: 0, max: 3 }) }),
    fc.record({ do: fc.constant('crash' as const), count: fc.constant(0) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
      const directory = temporaryDirectory();
      let journal = open(directory, { segmentBytes: 512 });
      const appended: string[] = [];
      const settled = new Set<string>();
      let read: { batch: NonNullable<ReturnType<Journal['next']>>; texts: string[] }[] = [];
      for (const step of commands) {
        if (step.do === 'append') {
          const texts = numbered(step.count, appended.length);
          await appendAll(journal, texts);
          appended.push(...texts);
        } else if (step.do === 'read') {
          const batch = journal.next(step.count, 100_000);
          if (batch) read.push({ batch, texts: batch.entries.map(({ payload }) => payload.toString()) });
        } else if (step.do === 'settle') {
          const [chosen] = read.splice(step.count, 1);
          if (!chosen) continue;
          journal.settle(chosen.batch);
          for (const text of chosen.texts) settled.add(text);
        } else {
          // The former object is simply forgotten, as kill -9 does; its files are as they are.
          journal = open(directory, { segmentBytes: 512 });
          read = [];
          expect(journal.damagedBytes).toBe(0);
        }
      }
      const left = [...read.flatMap(({ texts }) => texts), ...drain(journal)];
      expect(new Set([...settled, ...left])).toEqual(new Set(appended));
    }),
    { numRuns: 60 },
  );
});

test('a crash that tears the last write loses at most that entry, at every possible place', async () => {
  const directory = temporaryDirectory();
  const whole = join(directory, 'whole');
  const journal = open(whole, { segmentBytes: 100_000 });
  const texts = numbered(6);
  const ends: number[] = [];
  for (const text of texts) {
    await journal.append(text);
    ends.push(journal.bytes);
  }
  await journal.close();
  const name = segments(whole)[0] as string;
  for (let size = 0; size < journal.bytes; size += 1) {
    const torn = join(directory, `torn-${size}`);
    mkdirSync(torn);
    copyFileSync(join(whole, name), join(torn, name));
    truncateSync(join(torn, name), size);
    const again = open(torn);
    const intact = ends.filter((end) => end <= size).length;
    expect(again.depth).toBe(intact);
    expect(again.damagedBytes).toBe(size - (ends[intact - 1] ?? 0));
    await again.append('after the crash');
    expect(drain(again)).toEqual([...texts.slice(0, intact), 'after the crash']);
    await again.close();
  }
});

test('one damaged byte loses one entry, and the others are delivered', async () => {
  const directory = temporaryDirectory();
  const texts = numbered(20);
  const source = join(directory, 'source');
  const journal = open(source, { segmentBytes: 100_000 });
  await appendAll(journal, texts);
  await journal.close();
  const name = segments(source)[0] as string;
  const bytes = readFileSync(join(source, name));
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: bytes.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      async (at, change) => {
        const target = join(temporaryDirectory(), 'damaged');
        mkdirSync(target);
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] as number) ^ change;
        writeFileSync(join(target, name), damaged);
        const again = open(target);
        const read = drain(again);
        await again.close();
        expect(read.length).toBe(19);
        expect(texts.filter((text) => read.includes(text))).toEqual(read);
        expect(again.damagedBytes).toBeGreaterThan(0);
      },
    ),
    { numRuns: 200 },
  );
});

test('a full journal refuses, and takes entries again when some were settled', async () => {
  const journal = open(temporaryDirectory(), { maxBytes: 65_536, segmentBytes: 65_536 });
  let taken = 0;
  const fill = async () => {
    for (;;) {
      await journal.append('y'.repeat(500));
      taken += 1;
    }
  };
  await expect(fill()).rejects.toMatchObject({ code: 'journal_full' });
  expect(journal.bytes).toBeLessThanOrEqual(65_536);
  expect(drain(journal, 50)).toHaveLength(taken);
  await expect(journal.append('z')).resolves.toBeUndefined();
  expect(drain(journal)).toEqual(['z']);
  await journal.close();
});

test('with fsync always an append is on the disk before it counts, across segments', async () => {
  const directory = temporaryDirectory();
  const journal = open(directory, { fsync: 'always', segmentBytes: 256 });
  const texts = numbered(60);
  await appendAll(journal, texts.slice(0, 30));
  for (const text of texts.slice(30)) await journal.append(text);
  const again = open(directory);
  expect(again.depth).toBe(60);
  expect(drain(journal)).toEqual(texts);
  await journal.close();
  await expect(journal.append('late')).rejects.toMatchObject({ code: 'journal_closed' });
});

test('an unreadable cursor repeats events rather than losing them', async () => {
  const directory = temporaryDirectory();
  const journal = open(directory);
  await appendAll(journal, numbered(10));
  const batch = journal.next(4, 10_000);
  journal.settle(batch as NonNullable<typeof batch>);
  await journal.close();
  expect(open(directory).depth).toBe(6);
  writeFileSync(join(directory, 'cursor'), 'not a cursor at all!');
  const again = open(directory);
  expect(drain(again)).toEqual(numbered(10));
});

test('an entry too long for the journal is refused by itself', async () => {
  const journal = open(temporaryDirectory());
  await expect(journal.append('x'.repeat(400_000))).rejects.toMatchObject({
    code: 'journal_entry_too_large',
  });
  await journal.append('short');
  expect(drain(journal)).toEqual(['short']);
  await journal.close();
});

test('foreign files in the folder are left alone', async () => {
  const directory = temporaryDirectory();
  appendFileSync(join(directory, 'notes.txt'), 'mine');
  const journal = open(directory);
  await appendAll(journal, ['a']);
  expect(drain(journal)).toEqual(['a']);
  await journal.close();
  expect(readFileSync(join(directory, 'notes.txt'), 'utf8')).toBe('mine');
});
