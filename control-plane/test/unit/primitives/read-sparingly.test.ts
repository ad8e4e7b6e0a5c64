import { readSparingly } from '../../../src/primitives/read-sparingly';

describe('reading sparingly', () => {
  let now = 0;
  let reads = 0;
  const monotonicNow = () => now;
  const reader = (costMs: number, fails = () => false) =>
    readSparingly(
      async () => {
        reads += 1;
        now += costMs;
        if (fails()) throw new Error('unreadable');
        return reads;
      },
      { minimumAgeMs: 1_000, restFactor: 20, monotonicNow },
    );
  beforeEach(() => {
    now = 0;
    reads = 0;
  });

  it('reads once for all who ask at the same time, and again after the minimum age', async () => {
    const read = reader(1);
    expect(await Promise.all([read(), read(), read()])).toEqual([1, 1, 1]);
    now += 999;
    expect(await read()).toBe(1);
    now += 1;
    expect(await read()).toBe(2);
  });

  it('rests twenty times as long as a slow reading took', async () => {
    const read = reader(500);
    await read();
    now += 9_999;
    expect(await read()).toBe(1);
    now += 1;
    expect(await read()).toBe(2);
  });

  it('forgets a failure', async () => {
    const read = reader(1, () => reads === 1);
    await expect(read()).rejects.toThrow('unreadable');
    expect(await read()).toBe(2);
  });
});
