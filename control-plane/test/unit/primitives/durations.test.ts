import fc from 'fast-check';
import {
  addDuration,
  DAY_MS,
  formatDuration,
  HOUR_MS,
  MINUTE_MS,
  parseDuration,
  parseInterval,
} from '../../../src/primitives/durations';
import vectors from '../../fixtures/entitlement-and-billing.json';

interface AddVector {
  start: string;
  duration: string;
  expect: string;
}
const additions = (vectors as { kind: string }[]).filter(
  ({ kind }) => kind === 'add',
) as unknown as AddVector[];

describe('a duration', () => {
  test('there are cases to run', () => expect(additions.length).toBe(7));

  test.each(additions)('$start + $duration = $expect', ({ start, duration, expect: expected }) => {
    expect(addDuration(Date.parse(start), parseDuration(duration)!)).toBe(Date.parse(expected));
    expect(addDuration(Date.parse(start), parseDuration(duration)!, 1, 'Etc/UTC')).toBe(Date.parse(expected));
  });

  test.each([
    ['P1Y2M10DT5H30M45S', { months: 14, days: 10, ms: 5.5 * HOUR_MS + 45_000 }],
    ['P1W', { months: 0, days: 7, ms: 0 }],
    ['P1W1D', { months: 0, days: 8, ms: 0 }],
    ['PT1H', { months: 0, days: 0, ms: HOUR_MS }],
    ['PT0.5S', { months: 0, days: 0, ms: 500 }],
    ['PT1,25S', { months: 0, days: 0, ms: 1_250 }],
    ['PT0S', { months: 0, days: 0, ms: 0 }],
    ['PT90M', { months: 0, days: 0, ms: 90 * MINUTE_MS }],
  ])('reads %s', (text, expected) => {
    expect(parseDuration(text)).toEqual(expected);
  });

  test.each([
    '',
    'P',
    'PT',
    'P1',
    '1D',
    'P-1D',
    '-P1D',
    'P1.5D',
    'P1DT',
    'PT1D',
    'P1M1Y',
    'p1d',
    'P1D ',
    'P1001Y',
    'PT0.1234S',
  ])('refuses %p', (text) => expect(parseDuration(text)).toBeUndefined());

  test('is written in a form that reads back as itself', () => {
    const duration = fc.record({
      months: fc.integer({ min: 0, max: 1_200 }),
      days: fc.integer({ min: 0, max: 9_999 }),
      ms: fc.integer({ min: 0, max: 10 * DAY_MS }),
    });
    fc.assert(fc.property(duration, (value) => expect(parseDuration(formatDuration(value))).toEqual(value)));
    expect(formatDuration(parseDuration('P14MT90M')!)).toBe('P1Y2MT1H30M');
    expect(formatDuration(parseDuration('P14D')!)).toBe('P2W');
    expect(formatDuration(parseDuration('PT0S')!)).toBe('PT0S');
  });
});

describe('an interval', () => {
  test.each([
    ['HOUR', 'PT1H'],
    ['DAY', 'P1D'],
    ['WEEK', 'P1W'],
    ['MONTH', 'P1M'],
    ['YEAR', 'P1Y'],
  ])('may be the name %s', (name, text) => expect(parseInterval(name)).toEqual(parseDuration(text)));

  test('is an hour at least, unless the caller allows less', () => {
    expect(parseInterval('PT59M')).toBeUndefined();
    expect(parseInterval('PT1M', MINUTE_MS)).toEqual({ months: 0, days: 0, ms: MINUTE_MS });
    expect(parseInterval('PT0S', 0)).toBeUndefined();
    expect(parseInterval('constructor')).toBeUndefined();
    expect(parseInterval('month')).toBeUndefined();
  });
});

describe('adding durations', () => {
  const at = (text: string): number => Date.parse(text);
  const iso = (ms: number): string => new Date(ms).toISOString();

  test('clamps to the end of the month from the start, so that nothing drifts', () => {
    const month = parseInterval('MONTH')!;
    const ends = [1, 2, 3, 13, -1, -11].map((n) =>
      iso(addDuration(at('2024-01-31T10:00:00Z'), month, n)).slice(0, 10),
    );
    expect(ends).toEqual([
      '2024-02-29',
      '2024-03-31',
      '2024-04-30',
      '2025-02-28',
      '2023-12-31',
      '2023-02-28',
    ]);
  });

  test('keeps the wall clock of a zone over its clock changes', () => {
    const day = parseInterval('DAY')!;
    expect(iso(addDuration(at('2025-03-29T11:00:00Z'), day, 1, 'Europe/Berlin'))).toBe(
      '2025-03-30T10:00:00.000Z',
    );
    expect(iso(addDuration(at('2025-10-25T10:00:00Z'), day, 1, 'Europe/Berlin'))).toBe(
      '2025-10-26T11:00:00.000Z',
    );
    expect(iso(addDuration(at('2025-03-30T00:30:00Z'), parseInterval('HOUR')!, 1, 'Europe/Berlin'))).toBe(
      '2025-03-30T01:30:00.000Z',
    );
  });

  test('moves a skipped wall time forward, for that day only', () => {
    const day = parseInterval('DAY')!;
    const anchor = at('2025-03-28T02:30:00+01:00');
    const times = [1, 2, 3].map((n) => addDuration(anchor, day, n, 'Europe/Berlin'));
    expect(times).toEqual(
      ['2025-03-29T02:30:00+01:00', '2025-03-30T03:30:00+02:00', '2025-03-31T02:30:00+02:00'].map(at),
    );
  });

  test('takes the years before 100 as they are', () => {
    expect(iso(addDuration(at('0050-01-31T00:00:00Z'), parseInterval('MONTH')!))).toBe(
      '0050-02-28T00:00:00.000Z',
    );
  });

  test('the fast way in UTC agrees with calendar arithmetic of the zone library', () => {
    const start = fc.integer({ min: at('1900-01-01T00:00:00Z'), max: at('2200-01-01T00:00:00Z') });
    const duration = fc.record({
      months: fc.integer({ min: 0, max: 30 }),
      days: fc.integer({ min: 0, max: 60 }),
      ms: fc.integer({ min: 0, max: 3 * DAY_MS }),
    });
    fc.assert(
      fc.property(start, duration, fc.integer({ min: -50, max: 50 }), (startMs, value, times) => {
        expect(addDuration(startMs, value, times)).toBe(addDuration(startMs, value, times, 'Etc/UTC'));
      }),
    );
  });

  test('refuses to leave the range of dates', () => {
    expect(() => addDuration(0, parseDuration('P1000Y')!, 1_000)).toThrow(RangeError);
    expect(() => addDuration(0, parseDuration('P1000Y')!, 1_000, 'Europe/Berlin')).toThrow(RangeError);
  });
});
