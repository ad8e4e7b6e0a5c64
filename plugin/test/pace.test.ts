import { Pace } from '../src/delivery/pace';

const spacingMs = 5;
const full = 1_000;

/** A pace that has seen batches of so many events begin at these times. */
const after = (...batches: readonly [events: number, at: number][]): Pace => {
  const pace = new Pace(spacingMs);
  for (const [events, at] of batches) pace.begin(events, at);
  return pace;
};

test('the first batch goes at once', () => {
  expect(new Pace(spacingMs).waitMs(1, full, 100)).toBe(0);
});

test('where events come slowly no batch ever waits', () => {
  // A thousand a second: one a millisecond.
  expect(after([1, 100], [1, 101]).waitMs(1, full, 101.5)).toBe(0);
  expect(after([1, 100], [19, 110]).waitMs(3, full, 110)).toBe(0);
});

test('where events come fast, batches begin no closer than the spacing', () => {
  const pace = after([1, 100], [20, 105]);
  expect(pace.waitMs(3, full, 106)).toBe(4);
  expect(pace.waitMs(3, full, 109.5)).toBe(0.5);
  expect(pace.waitMs(3, full, 110)).toBe(0);
});

test('a full batch does not wait, so a backlog leaves as fast as it is taken', () => {
  expect(after([1, 100], [1_000, 105]).waitMs(full, full, 105)).toBe(0);
});

test('after a rest it is as if nothing had been', () => {
  expect(after([1, 100], [20, 105]).waitMs(1, full, 5_000)).toBe(0);
  expect(after([1, 100], [20, 105], [1, 5_000]).waitMs(1, full, 5_001)).toBe(0);
});

test('without a spacing nothing waits', () => {
  const pace = new Pace(0);
  pace.begin(1, 100);
  pace.begin(500, 101);
  expect(pace.waitMs(1, full, 101)).toBe(0);
});
