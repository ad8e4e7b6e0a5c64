import { exactTime, intervalWords, offsetText, relativeTime, spanText } from '../../src/format/time';

const noon = Date.UTC(2026, 0, 31, 12, 0, 0);

describe('times', () => {
  test.each([
    [400, 'now'],
    [-12_000, '12 s ago'],
    [3 * 60_000, 'in 3 min'],
    [-3 * 3_600_000, '3 h ago'],
    [-47 * 3_600_000, '47 h ago'],
    [-5 * 86_400_000, '5 d ago'],
    [-90 * 86_400_000, '2025-11-02'],
  ])('%p ms from now reads %p', (distance, text) => {
    expect(relativeTime(noon + distance, noon, 'UTC')).toBe(text);
  });

  test('the exact time is to the millisecond, in the time zone that is asked for', () => {
    expect(exactTime(noon + 118, 'UTC')).toBe('2026-01-31 12:00:00.118');
    expect(exactTime(noon, 'Europe/Berlin')).toBe('2026-01-31 13:00:00.000');
  });

  test('the offset of a time zone follows daylight saving', () => {
    expect(offsetText('Europe/Berlin', noon)).toBe('UTC+1');
    expect(offsetText('Europe/Berlin', Date.UTC(2026, 6, 1))).toBe('UTC+2');
    expect(offsetText('UTC', noon)).toBe('UTC+0');
  });

  test.each([
    [41, '41 ms'],
    [1_240, '1.2 s'],
    [180_000, '3 min'],
    [7_200_000, '2 h'],
    [259_200_000, '3 d'],
  ])('a span of %p ms reads %p', (span, text) => {
    expect(spanText(span)).toBe(text);
  });

  test.each([
    ['MONTH', 'month'],
    ['P1M', 'month'],
    ['P3M', '3 months'],
    ['P1Y6M', 'year 6 months'],
    ['PT1H', 'hour'],
    ['PT30M', '30 minutes'],
    ['whatever', 'whatever'],
  ])('the interval %p reads %p', (interval, words) => {
    expect(intervalWords(interval)).toBe(words);
  });
});
