import fc from 'fast-check';
import { pour } from '../../../src/tokens/rate-limit/bucket';
import { createRequestLimiter } from '../../../src/tokens/rate-limit/request-limiter';

describe('the bucket of a token', () => {
  it('never lets more through in any span than the capacity and what runs out in it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 100 }),
        fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 300 }),
        (perSecond, capacity, pauses) => {
          const limits = { perSecond, capacity };
          let bucket = { level: 0, at: 0 };
          let now = 0;
          const accepted: number[] = [];
          for (const pause of pauses) {
            now += pause;
            const poured = pour(bucket, limits, now);
            if ('bucket' in poured) {
              bucket = poured.bucket;
              accepted.push(now);
            }
          }
          return accepted.every((from, first) =>
            accepted
              .slice(first)
              .every((to, count) => count + 1 <= capacity + ((to - from) * perSecond) / 1_000 + 1e-6),
          );
        },
      ),
    );
  });

  it('lets a request through after the seconds that it told to wait', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 100 }),
        (perSecond, capacity) => {
          const limits = { perSecond, capacity };
          let bucket = { level: 0, at: 0 };
          for (;;) {
            const poured = pour(bucket, limits, 0);
            if ('bucket' in poured) bucket = poured.bucket;
            else return 'bucket' in pour(bucket, limits, poured.retryAfterSeconds * 1_000);
          }
        },
      ),
    );
  });
});

describe('the limiter of a replica by itself', () => {
  it('limits each token alone, and opens again with time', async () => {
    let now = 0;
    const limiter = createRequestLimiter({
      limits: { perSecond: 5, capacity: 10 },
      shared: undefined,
      monotonicNow: () => now,
    });
    const send = (token: string, count: number) =>
      Array.from({ length: count }, () => limiter.refusalOf(token)).filter((wait) => wait === undefined)
        .length;
    expect(send('a', 20)).toBe(10);
    expect(send('b', 20)).toBe(10);
    now = 1_000;
    expect(send('a', 20)).toBe(5);
    now = 60_000;
    expect(send('a', 20)).toBe(10);
    await limiter.stop();
  });
});
