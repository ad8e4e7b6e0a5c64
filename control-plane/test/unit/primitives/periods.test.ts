import fc from 'fast-check';
import {
  addDuration,
  DAY_MS,
  HOUR_MS,
  MINUTE_MS,
  parseDuration,
  parseInterval,
} from '../../../src/primitives/durations';
import {
  boundariesBetween,
  isTimeZone,
  nextBoundaryAfter,
  periodAt,
  TooManyPeriodsError,
  type WindowSize,
  windowsOf,
} from '../../../src/primitives/periods';
import vectors from '../../fixtures/entitlement-and-billing.json';

interface PeriodVector {
  anchor: string;
  interval: string;
  at: string;
  expect: { from: string; to: string };
}
interface ResetsVector {
  anchor: string;
  interval: string;
  firstEffective: string;
  from: string;
  to: string;
  expect?: string[];
  expectCount?: number;
}
const ofKind = <T>(kind: string): T[] =>
  (vectors as { kind: string }[]).filter((vector) => vector.kind === kind) as T[];
const at = (text: string): number => Date.parse(text);
const schedule = (anchor: string, interval: string) => ({
  anchor: at(anchor),
  interval: parseInterval(interval)!,
});
const isoPeriod = ({ from, to }: { from: number; to: number }) => [
  new Date(from).toJSON(),
  new Date(to).toJSON(),
];

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'America/St_Johns',
  'Pacific/Apia',
  'Asia/Kolkata',
  'America/Sao_Paulo',
];
const instants = fc.integer({ min: at('1995-01-01T00:00:00Z'), max: at('2035-01-01T00:00:00Z') });
const intervals = fc.constantFrom(
  'PT1H',
  'PT7H',
  'P1D',
  'P3D',
  'P1W',
  'P1M',
  'P2M',
  'P1M3D',
  'P1Y',
  'P1DT6H',
  'P1Y1M1DT1H1M1S',
);

describe('a period', () => {
  const cases = ofKind<PeriodVector>('period');
  test('there are cases to run', () => expect(cases.length).toBe(2));

  test.each(cases)(
    '$interval from $anchor, at $at',
    ({ anchor, interval, at: instant, expect: { from, to } }) => {
      expect(periodAt(schedule(anchor, interval), at(instant))).toEqual({ from: at(from), to: at(to) });
    },
  );

  test('is the same schedule before the anchor', () => {
    const period = periodAt(schedule('2025-05-31T12:00:00Z', 'P1M'), at('2024-02-29T12:00:00Z'));
    expect(isoPeriod(period)).toEqual(['2024-02-29T12:00:00.000Z', '2024-03-31T12:00:00.000Z']);
  });

  test('holds the instant, and starts and ends a whole number of intervals from the anchor', () => {
    fc.assert(
      fc.property(instants, intervals, instants, fc.constantFrom(...ZONES), (anchor, text, instant, zone) => {
        const interval = parseInterval(text)!;
        const { from, to } = periodAt({ anchor, interval }, instant, zone);
        expect(from).toBeLessThanOrEqual(instant);
        expect(to).toBeGreaterThan(instant);
        expect(periodAt({ anchor, interval }, from, zone)).toEqual({ from, to });
        expect(periodAt({ anchor, interval }, to - 1, zone)).toEqual({ from, to });
        expect(nextBoundaryAfter({ anchor, interval }, from, zone)).toBe(to);
      }),
    );
  });

  test('boundaries never drift: the n-th is the anchor plus n intervals in one step', () => {
    const counts = fc.integer({ min: -300, max: 300 });
    fc.assert(
      fc.property(instants, intervals, counts, fc.constantFrom(...ZONES), (anchor, text, n, zone) => {
        const interval = parseInterval(text)!;
        const nth = addDuration(anchor, interval, n, zone);
        const next = addDuration(anchor, interval, n + 1, zone);
        // Two boundaries fall together only where the zone skipped a whole day.
        fc.pre(nth < next);
        expect(periodAt({ anchor, interval }, nth, zone)).toEqual({ from: nth, to: next });
      }),
    );
  });

  test('an interval of no length is refused', () => {
    expect(() => periodAt({ anchor: 0, interval: parseDuration('PT0S')! }, 5)).toThrow(RangeError);
  });
});

describe('the boundaries between two instants', () => {
  const cases = ofKind<ResetsVector>('resets');
  test('there are cases to run', () => expect(cases.length).toBe(2));

  test.each(cases)('of $interval from $from to $to, both inclusive', (vector) => {
    const from = Math.max(at(vector.from), at(vector.firstEffective));
    const boundaries = boundariesBetween(schedule(vector.anchor, vector.interval), from, at(vector.to));
    if (vector.expect !== undefined) expect(boundaries).toEqual(vector.expect.map(at));
    expect(boundaries).toHaveLength(vector.expectCount ?? vector.expect!.length);
  });

  test('are none when the range is empty or holds none', () => {
    const daily = schedule('2025-06-05T01:00:00Z', 'P1D');
    expect(boundariesBetween(daily, at('2025-06-05T02:00:00Z'), at('2025-06-05T03:00:00Z'))).toEqual([]);
    expect(boundariesBetween(daily, at('2025-06-09T02:00:00Z'), at('2025-06-05T03:00:00Z'))).toEqual([]);
  });

  test('are never more than the limit', () => {
    const hourly = schedule('2025-01-01T00:00:00Z', 'PT1H');
    expect(() => boundariesBetween(hourly, 0, at('2025-01-01T00:00:00Z'), 'UTC', 100)).toThrow(
      TooManyPeriodsError,
    );
  });
});

describe('windows', () => {
  const lengths = (from: string, to: string, size: WindowSize, zone: string): number[] =>
    windowsOf(at(from), at(to), size, zone).map((window) => (window.to - window.from) / HOUR_MS);

  test('a day has 23 and 25 hours where the clocks change', () => {
    expect(lengths('2025-03-29T00:00:00+01:00', '2025-04-01T00:00:00+02:00', 'DAY', 'Europe/Berlin')).toEqual(
      [24, 23, 24],
    );
    expect(lengths('2025-10-25T00:00:00+02:00', '2025-10-28T00:00:00+01:00', 'DAY', 'Europe/Berlin')).toEqual(
      [24, 25, 24],
    );
  });

  test('a repeated hour is two windows, a skipped one none', () => {
    expect(
      lengths('2025-10-26T00:00:00+02:00', '2025-10-27T00:00:00+01:00', 'HOUR', 'Europe/Berlin'),
    ).toHaveLength(25);
    expect(
      lengths('2025-03-30T00:00:00+01:00', '2025-03-31T00:00:00+02:00', 'HOUR', 'Europe/Berlin'),
    ).toHaveLength(23);
  });

  test('hours and days start on the wall clock of zones with offsets of :30 and :45', () => {
    expect(
      windowsOf(at('2025-01-01T00:00:00Z'), at('2025-01-01T01:00:00Z'), 'HOUR', 'Asia/Kathmandu').map(
        isoPeriod,
      ),
    ).toEqual([
      ['2024-12-31T23:15:00.000Z', '2025-01-01T00:15:00.000Z'],
      ['2025-01-01T00:15:00.000Z', '2025-01-01T01:15:00.000Z'],
    ]);
    expect(
      windowsOf(at('2025-01-01T00:00:00Z'), at('2025-01-01T01:00:00Z'), 'DAY', 'Asia/Kolkata').map(isoPeriod),
    ).toEqual([['2024-12-31T18:30:00.000Z', '2025-01-01T18:30:00.000Z']]);
  });

  test('a half-hour clock change starts a window of its own', () => {
    const windows = windowsOf(
      at('2025-04-05T14:00:00Z'),
      at('2025-04-05T16:30:00Z'),
      'HOUR',
      'Australia/Lord_Howe',
    );
    expect(windows.map(isoPeriod)).toEqual([
      ['2025-04-05T14:00:00.000Z', '2025-04-05T15:00:00.000Z'],
      ['2025-04-05T15:00:00.000Z', '2025-04-05T15:30:00.000Z'],
      ['2025-04-05T15:30:00.000Z', '2025-04-05T16:30:00.000Z'],
    ]);
  });

  test('a date that the zone skipped has no window', () => {
    expect(lengths('2011-12-29T00:00:00-10:00', '2012-01-01T00:00:00+14:00', 'DAY', 'Pacific/Apia')).toEqual([
      24, 24,
    ]);
  });

  test('a day starts at the first of two midnights', () => {
    // St. John's went from 00:01 on November 7, 2010 back to 23:01; 02:45Z is in the repeated hour of the 6th.
    const windows = windowsOf(
      at('2010-11-07T02:45:00Z'),
      at('2010-11-07T02:46:00Z'),
      'DAY',
      'America/St_Johns',
    );
    expect(windows.map(isoPeriod)).toEqual([['2010-11-07T02:30:00.000Z', '2010-11-08T03:30:00.000Z']]);
  });

  test('months follow the calendar', () => {
    expect(windowsOf(at('2024-02-10T00:00:00Z'), at('2024-03-01T00:00:00Z'), 'MONTH').map(isoPeriod)).toEqual(
      [['2024-02-01T00:00:00.000Z', '2024-03-01T00:00:00.000Z']],
    );
  });

  test('are contiguous, cover the range tightly, and do not depend on where the range starts', () => {
    const sizes: [WindowSize, number][] = [
      ['MINUTE', 200 * MINUTE_MS],
      ['HOUR', 200 * HOUR_MS],
      ['DAY', 100 * DAY_MS],
      ['MONTH', 900 * DAY_MS],
    ];
    fc.assert(
      fc.property(
        instants,
        fc.double({ min: 0.001, max: 1, noNaN: true }),
        fc.constantFrom(...sizes),
        fc.constantFrom(...ZONES),
        (from, share, [size, longest], zone) => {
          const to = from + Math.max(1, Math.floor(share * longest));
          const windows = windowsOf(from, to, size, zone);
          expect(windows[0]!.from).toBeLessThanOrEqual(from);
          expect(windows[0]!.to).toBeGreaterThan(from);
          expect(windows.at(-1)!.from).toBeLessThan(to);
          expect(windows.at(-1)!.to).toBeGreaterThanOrEqual(to);
          expect(windows.slice(1).map((window) => window.from)).toEqual(
            windows.slice(0, -1).map((window) => window.to),
          );
          const middle = Math.floor((from + to) / 2);
          if (middle > from) {
            expect(windowsOf(middle, to, size, zone)).toEqual(windows.filter((window) => window.to > middle));
          }
        },
      ),
    );
  });

  test('are none for an empty range, and never more than the limit', () => {
    expect(windowsOf(5, 5, 'DAY')).toEqual([]);
    expect(windowsOf(0, 10 * HOUR_MS, 'HOUR', 'UTC', 10)).toHaveLength(10);
    for (const size of ['MINUTE', 'HOUR', 'DAY', 'MONTH'] as const) {
      expect(() => windowsOf(0, 2_000 * DAY_MS, size, 'Europe/Berlin', 10)).toThrow(TooManyPeriodsError);
    }
  });
});

describe('time zone names', () => {
  test.each(['UTC', 'Europe/Berlin', 'Etc/GMT+5', 'America/Argentina/Buenos_Aires'])('%s is one', (name) =>
    expect(isTimeZone(name)).toBe(true),
  );
  test.each(['', '+02:00', 'Mars/Olympus', 'Europe/Berlin ', 'x'.repeat(100), "UTC'; DROP TABLE"])(
    '%p is none',
    (name) => expect(isTimeZone(name)).toBe(false),
  );
});
