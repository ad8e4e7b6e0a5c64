import fc from 'fast-check';
import { stackedValues, windowAt } from '../../src/chart/stack';
import { boundsOf, questionOf, usageQuery, windowsOf } from '../../src/pages/meters/usage-question';
import { rankGroups, readUsage, seriesOf, type UsageRow } from '../../src/pages/meters/usage-series';

const row = (hour: number, value: number, route: string | null = null): UsageRow => ({
  value,
  windowStart: new Date(Date.UTC(2026, 0, 1, hour)).toISOString(),
  windowEnd: new Date(Date.UTC(2026, 0, 1, hour + 1)).toISOString(),
  subject: null,
  groupBy: { route },
});

describe('the question of a usage chart', () => {
  test('falls back to what is usual where the URL says nothing or something impossible', () => {
    expect(questionOf(() => undefined, 'Europe/Berlin')).toEqual({
      span: '24h',
      window: 'HOUR',
      timeZone: 'Europe/Berlin',
      groupBy: undefined,
      subject: undefined,
    });
    const odd = new Map([
      ['span', '1y'],
      ['window', 'MINUTE'],
    ]);
    expect(questionOf((name) => odd.get(name), 'UTC').window).toBe('MONTH');
  });

  test('offers no window that would draw more bars than there are pixels, nor one longer than the span', () => {
    expect(windowsOf('1h')).toEqual(['MINUTE', 'HOUR']);
    expect(windowsOf('90d')).not.toContain('MINUTE');
  });

  test('asks for windows in the time zone, and for the total without either', () => {
    const question = { ...questionOf(() => undefined, 'Asia/Tokyo'), groupBy: 'route', subject: 'acme' };
    const [from] = boundsOf('24h', Date.UTC(2026, 0, 2, 0, 0, 30));
    expect(usageQuery(question, from, true)).toEqual({
      from: '2026-01-01T00:00:00.000Z',
      windowSize: 'HOUR',
      windowTimeZone: 'Asia/Tokyo',
      subject: ['acme'],
      groupBy: ['route'],
    });
    expect(usageQuery(question, from, false)).not.toHaveProperty('windowSize');
  });
});

describe('usage series', () => {
  test('put each group on the same windows, the largest first', () => {
    const { times, series } = seriesOf([row(2, 1, 'a'), row(1, 5, 'b'), row(2, 2, 'b')], 'route', 'meter');
    expect(times).toHaveLength(2);
    expect(series).toEqual([
      { label: 'b', values: [5, 2] },
      { label: 'a', values: [null, 1] },
    ]);
  });

  test('add up the small groups where there are too many to tell apart, and lose nothing', () => {
    const rows = fc.array(
      fc.record({
        hour: fc.nat(23),
        value: fc.nat(1_000),
        route: fc.integer({ min: 0, max: 30 }).map(String),
      }),
    );
    fc.assert(
      fc.property(rows, (given) => {
        const { series } = seriesOf(
          given.map(({ hour, value, route }) => row(hour, value, route)),
          'route',
          'meter',
        );
        expect(series.length).toBeLessThanOrEqual(8);
        const drawn = series
          .flatMap(({ values }) => values)
          .reduce<number>((sum, value) => sum + (value ?? 0), 0);
        expect(drawn).toBe(given.reduce((sum, { value }) => sum + value, 0));
      }),
    );
  });

  test('rank groups, and name the one without a value', () => {
    expect(rankGroups([row(1, 1, null), row(1, 3, 'a')], 'route')).toEqual([
      { label: 'a', value: 3 },
      { label: '(none)', value: 1 },
    ]);
  });

  test('are pointed at by the window under the pointer, and by none in a gap', () => {
    const starts = [0, 60, 120, 300];
    expect([0, 59, 60, 119, 170, 250, 300, 350].map((at) => windowAt(starts, at))).toEqual([
      0,
      0,
      1,
      1,
      2,
      undefined,
      3,
      3,
    ]);
    expect(windowAt(starts, -1)).toBeUndefined();
    expect(windowAt([5], 1_000_000)).toBe(0);
  });

  test('keep every digit that the server writes, also those that a double would lose', () => {
    const text =
      '{"data":[{"value":9007199254740993},{"value":-0.12345678901234567},{"value":15,"subject":"\\"value\\":1234567890123456789"}]}';
    expect(readUsage(text).data).toEqual([
      { value: '9007199254740993' },
      { value: '-0.12345678901234567' },
      { value: 15, subject: '"value":1234567890123456789' },
    ]);
  });

  test('stack on each other, gaps counting as nothing', () => {
    expect(
      stackedValues([
        [1, null, 3],
        [1, 1, null],
      ]),
    ).toEqual([
      [1, 0, 3],
      [2, 1, 3],
    ]);
  });
});
