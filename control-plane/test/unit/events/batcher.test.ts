import { type BatcherOptions, createBatcher, IngestOverloadedError } from '../../../src/events/batcher';
import type { UsageEvent } from '../../../src/events/usage-event';

const event = (id: string): UsageEvent => ({
  id,
  source: 'gateway',
  type: 'request',
  subject: 'acme',
  time: 0,
  data: undefined,
  dataText: null,
  attributesText: null,
});
const events = (count: number, prefix = 'e') =>
  Array.from({ length: count }, (_, index) => event(`${prefix}${index}`));
/** Lets everything happen that only waits for turns of the event loop. */
const turn = async () => {
  for (let index = 0; index < 5; index += 1) await new Promise<void>((resolve) => setImmediate(resolve));
};

/** A commit that ends when the test says so. */
const heldCommit = () => {
  const batches: {
    events: UsageEvent[];
    commit: (duplicates?: number[]) => void;
    fail: (error: Error) => void;
  }[] = [];
  const commit = (taken: UsageEvent[]) =>
    new Promise<ReadonlySet<number>>((resolve, reject) => {
      batches.push({
        events: taken,
        commit: (duplicates = []) => resolve(new Set(duplicates)),
        fail: reject,
      });
    });
  return { batches, commit };
};

const batcherWith = (commit: BatcherOptions['commit'], options: Partial<BatcherOptions> = {}) =>
  createBatcher({
    commit,
    maximumBatch: 100,
    concurrency: 1,
    worthwhileBatch: 10,
    maximumQueued: 50,
    ...options,
  });

describe('the batcher', () => {
  it('answers no request before its transaction has committed', async () => {
    const { batches, commit } = heldCommit();
    const batcher = batcherWith(commit);
    let isAnswered = false;
    const receipt = batcher.accept(events(3)).then((value) => {
      isAnswered = true;
      return value;
    });
    await turn();
    await turn();
    expect(isAnswered).toBe(false);
    batches[0]!.commit();
    expect(await receipt).toEqual({ accepted: 3, duplicates: [] });
  });

  it('commits requests that wait together, and tells each its own duplicates', async () => {
    const { batches, commit } = heldCommit();
    const batcher = batcherWith(commit);
    const receipts = [
      batcher.accept(events(2, 'a')),
      batcher.accept(events(3, 'b')),
      batcher.accept(events(1, 'c')),
    ];
    await turn();
    expect(batches.map((batch) => batch.events.map(({ id }) => id))).toEqual([
      ['a0', 'a1', 'b0', 'b1', 'b2', 'c0'],
    ]);
    batches[0]!.commit([1, 2, 4]);
    expect(await Promise.all(receipts)).toEqual([
      { accepted: 1, duplicates: [1] },
      { accepted: 1, duplicates: [0, 2] },
      { accepted: 1, duplicates: [] },
    ]);
  });

  it('never splits a request and never exceeds the largest batch by joining two', async () => {
    const { batches, commit } = heldCommit();
    const batcher = batcherWith(commit, { maximumBatch: 5, maximumQueued: 100 });
    const receipts = [batcher.accept(events(4)), batcher.accept(events(4)), batcher.accept(events(8))];
    for (const size of [4, 4, 8]) {
      await turn();
      const batch = batches.at(-1)!;
      expect(batch.events).toHaveLength(size);
      batch.commit();
      await turn();
    }
    await Promise.all(receipts);
  });

  it('keeps transactions even where clients come back together, and takes everything after a pause', async () => {
    const { batches, commit } = heldCommit();
    const batcher = batcherWith(commit, { worthwhileBatch: 100, maximumQueued: 200 });
    const receipts: Promise<unknown>[] = [];
    const arrive = async (requests: number) => {
      for (let index = 0; index < requests; index += 1) receipts.push(batcher.accept(events(1)));
      await turn();
    };
    const end = async () => {
      batches.at(-1)!.commit();
      await turn();
    };
    await arrive(60);
    await arrive(4);
    await end();
    await arrive(60);
    await end();
    await arrive(4);
    await end();
    await arrive(32);
    expect(batches.map((batch) => batch.events.length)).toEqual([60, 4, 32, 32]);
    await end();
    await end();
    await Promise.all(receipts);
    await arrive(50);
    expect(batches.map((batch) => batch.events.length)).toEqual([60, 4, 32, 32, 32, 50]);
    await end();
  });

  it('opens a second transaction beside a running one only for enough events', async () => {
    const { batches, commit } = heldCommit();
    const batcher = batcherWith(commit, { concurrency: 2, worthwhileBatch: 5 });
    const receipts = [batcher.accept(events(1))];
    await turn();
    receipts.push(batcher.accept(events(4)));
    await turn();
    expect(batches).toHaveLength(1);
    receipts.push(batcher.accept(events(1)));
    await turn();
    expect(batches.map((batch) => batch.events.length)).toEqual([1, 5]);
    for (const batch of batches) batch.commit();
    await Promise.all(receipts);
  });

  it('refuses what its queue has no room for, and takes events again once it has', async () => {
    const { batches, commit } = heldCommit();
    const batcher = batcherWith(commit, { maximumQueued: 10 });
    const first = batcher.accept(events(10));
    await expect(batcher.accept(events(1))).rejects.toBeInstanceOf(IngestOverloadedError);
    await turn();
    expect(batcher.queued()).toBe(0);
    const second = batcher.accept(events(10));
    batches[0]!.commit();
    await first;
    await turn();
    batches[1]!.commit();
    expect(await second).toEqual({ accepted: 10, duplicates: [] });
  });

  it('fails the requests of a batch that failed, and no others', async () => {
    const { batches, commit } = heldCommit();
    const batcher = batcherWith(commit);
    const failing = batcher.accept(events(1));
    await turn();
    const following = batcher.accept(events(2));
    const failed = expect(failing).rejects.toThrow('no connection');
    batches[0]!.fail(new Error('no connection'));
    await failed;
    await turn();
    batches[1]!.commit();
    expect(await following).toEqual({ accepted: 2, duplicates: [] });
  });

  it('commits what waits before it stops, and takes nothing more', async () => {
    const { batches, commit } = heldCommit();
    const batcher = batcherWith(commit);
    const receipt = batcher.accept(events(1));
    let isStopped = false;
    const stopped = batcher.stop().then(() => {
      isStopped = true;
    });
    await expect(batcher.accept(events(1))).rejects.toBeInstanceOf(IngestOverloadedError);
    await turn();
    expect(isStopped).toBe(false);
    batches[0]!.commit();
    await Promise.all([receipt, stopped]);
    expect(isStopped).toBe(true);
  });
});
