import fc from 'fast-check';
import { type Quantity, toQuantity, ZERO } from '../../../src/primitives/decimal';
import {
  activeLines,
  crossingsToTell,
  isActive,
  lineKey,
  type MeasuredStanding,
  nextUsageToWake,
  type ThresholdLine,
  type ThresholdType,
} from '../../../src/thresholds/crossings';
import vectors from '../../fixtures/entitlement-and-billing.json';

const line = (text: string): ThresholdLine => {
  const [type, value] = text.split(':') as [ThresholdType, string];
  return { type, value: toQuantity(value) };
};
const standing = (
  usage: number | string,
  allowance: number | string,
  total = allowance,
): MeasuredStanding => ({
  usage: toQuantity(usage),
  exhaustsAtUsage: toQuantity(allowance),
  totalAvailable: toQuantity(total),
});
const keys = (lines: readonly ThresholdLine[]): string[] => lines.map(lineKey);

interface ThresholdVector {
  thresholds: string[];
  value: { usage: number; total: number; balance?: number };
  expect: { usage: string | null; balance: string | null };
}

describe('the worked threshold cases', () => {
  const cases = (vectors as { kind: string }[]).filter(
    ({ kind }) => kind === 'threshold',
  ) as unknown as ThresholdVector[];

  // OpenMeter picks one line of usage (the highest) and one of balance (the lowest); all others that were crossed are
  // never told. Ours tells every line, in the order in which usage reaches it.
  const ours: { active: string[]; differs?: string }[] = [
    { active: ['usage_value:10', 'usage_value:20'] },
    { active: ['usage_percentage:50', 'usage_percentage:100', 'usage_percentage:110'] },
    {
      active: ['usage_value:15', 'usage_percentage:50'],
      differs: 'usage is exactly AT both lines; OpenMeter compares strictly and waits for one unit more',
    },
    { active: ['usage_percentage:50'] },
    { active: ['balance_value:30', 'balance_value:20'] },
    { active: ['balance_value:0'] },
    { active: ['balance_value:10', 'usage_value:20', 'usage_percentage:80'] },
    { active: [] },
  ];

  test('there is one of ours for each', () => expect(cases.length).toBe(ours.length));

  test.each(cases.map((vector, index) => ({ ...vector, ...ours[index]! })))(
    '$thresholds at $value: active are $active',
    ({ thresholds, value, expect: openMeter, active, differs }) => {
      const now = standing(value.usage, value.total);
      expect(keys(activeLines(thresholds.map(line), now))).toEqual(active);
      const usageLines = active.filter((key) => key.startsWith('usage'));
      const balanceLines = active.filter((key) => key.startsWith('balance'));
      const pick = (candidates: string[]) => candidates.at(-1) ?? null;
      const picked = { usage: pick(usageLines), balance: pick(balanceLines) };
      if (differs === undefined) expect(picked).toEqual(openMeter);
      else expect(picked).not.toEqual(openMeter);
    },
  );
});

describe('a threshold line', () => {
  test.each([
    ['usage_percentage:100', 99, 100, false],
    ['usage_percentage:100', 100, 100, true],
    ['PERCENT:80', 80, 100, true],
    ['NUMBER:20', 20, 100, true],
    ['usage_percentage:33.3', '0.333', 1, true],
    ['usage_percentage:33.3', '0.332999999999999999999', 1, false],
    ['usage_value:0', 0, 0, true],
    ['balance_value:0', 99, 100, false],
    ['balance_value:0', 100, 100, true],
    ['balance_value:0', 120, 100, true],
    ['balance_value:10', 90, 100, true],
    ['balance_value:200', 0, 100, true],
  ])('%s at usage %s of %s: %s', (text, usage, allowance, expected) => {
    expect(isActive(line(text), standing(usage, allowance))).toBe(expected);
  });

  test('of a percentage or a balance means nothing without any grant', () => {
    const nothing = standing(5, 0);
    expect(
      activeLines(['usage_percentage:1', 'balance_value:10', 'balance_value:0'].map(line), nothing),
    ).toEqual([]);
    expect(isActive(line('usage_value:5'), nothing)).toBe(true);
  });

  test('is active at once where carried overage has eaten all that grants gave', () => {
    expect(
      keys(activeLines(['usage_percentage:100', 'balance_value:0'].map(line), standing(0, -30, 100))),
    ).toEqual(['usage_percentage:100', 'balance_value:0']);
  });

  test('under an older name is the same line', () => {
    expect(lineKey(line('PERCENT:80.0'))).toBe(lineKey(line('usage_percentage:80')));
    expect(keys(activeLines(['NUMBER:5', 'usage_value:5.0'].map(line), standing(5, 10)))).toEqual([
      'usage_value:5',
    ]);
  });
});

describe('the next usage to wake at', () => {
  test.each([
    [['usage_percentage:80', 'usage_percentage:100'], 0, 100, 80],
    [['usage_percentage:80', 'usage_percentage:100'], 80, 100, 100],
    [['usage_percentage:80', 'usage_percentage:120'], 100, 100, 120],
    [['usage_value:50', 'balance_value:70'], 10, 100, 30],
    [[], 10, 100, 100],
    [['usage_value:5'], 10, 0, undefined],
    [['usage_percentage:80'], 100, 100, undefined],
    [['usage_percentage:80'], 3, 0, undefined],
    [['usage_value:500'], 3, 0, 500],
  ])('%j at %i of %i is %p', (lines, usage, allowance, expected) => {
    expect(nextUsageToWake(lines.map(line), standing(usage, allowance))?.toNumber()).toBe(expected);
  });

  const anyLine = fc.record({
    type: fc.constantFrom<ThresholdType>(
      'usage_percentage',
      'usage_value',
      'balance_value',
      'PERCENT',
      'NUMBER',
    ),
    value: fc.integer({ min: 0, max: 300 }).map((tenths) => toQuantity(tenths).times('0.5')),
  });
  const quantity = (min: number) =>
    fc.integer({ min, max: 2_000 }).map((tenths) => toQuantity(tenths).times('0.1'));

  test('is where the set of active lines or the end of access first changes, and not a jot before', () => {
    fc.assert(
      fc.property(
        fc.array(anyLine, { maxLength: 6 }),
        quantity(0),
        quantity(-200),
        (lines, usage, allowance) => {
          const at = (value: Quantity) => ({
            usage: value,
            exhaustsAtUsage: allowance,
            totalAvailable: allowance.abs(),
          });
          const view = (value: Quantity) =>
            [
              ...keys(activeLines(lines, at(value))).sort(),
              value.lessThan(allowance) ? 'access' : 'none',
            ].join();
          const wake = nextUsageToWake(lines, at(usage));
          if (wake === undefined) {
            expect(view(usage.plus(1e9))).toBe(view(usage));
            return;
          }
          expect(wake.greaterThan(usage)).toBe(true);
          expect(view(wake)).not.toBe(view(usage));
          const justBefore = wake.minus('1e-9');
          if (justBefore.greaterThan(usage)) expect(view(justBefore)).toBe(view(usage));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('however usage climbs, each line is told once', () => {
    fc.assert(
      fc.property(
        fc.array(anyLine, { maxLength: 6 }),
        fc.array(quantity(0), { maxLength: 20 }),
        (lines, steps) => {
          const told: string[] = [];
          let usage = ZERO;
          for (const step of [...steps, toQuantity(10_000)]) {
            usage = usage.plus(step);
            const now = { usage, exhaustsAtUsage: toQuantity(100), totalAvailable: toQuantity(100) };
            const { tell, rearm } = crossingsToTell(lines, new Set(told), now, toQuantity(100));
            expect(rearm).toEqual([]);
            told.push(...keys(tell));
          }
          expect(told.sort()).toEqual([...new Set(keys(lines))].sort());
        },
      ),
    );
  });
});

describe('what is told', () => {
  const lines = ['usage_percentage:50', 'usage_percentage:80', 'usage_percentage:100', 'usage_value:60'].map(
    line,
  );

  /** Walks through usage and allowance, and lists what each step tells. */
  function walk(steps: { usage: number; allowance: number; isReset?: boolean }[]): string[][] {
    let told = new Set<string>();
    let previous: Quantity | undefined;
    return steps.map(({ usage, allowance, isReset }) => {
      if (isReset) {
        told = new Set();
        previous = undefined;
      }
      const { tell, rearm } = crossingsToTell(lines, told, standing(usage, allowance), previous);
      for (const key of rearm) told.delete(key);
      for (const key of keys(tell)) told.add(key);
      previous = toQuantity(allowance);
      return keys(tell);
    });
  }

  test('a jump tells every line that it crossed, in order', () => {
    expect(walk([{ usage: 100, allowance: 100 }])).toEqual([
      ['usage_percentage:50', 'usage_value:60', 'usage_percentage:80', 'usage_percentage:100'],
    ]);
  });

  test('a level that teeters on a line tells it once', () => {
    const levels = [79, 80, 79, 81, 10, 85];
    expect(walk(levels.map((usage) => ({ usage, allowance: 100 }))).flat()).toEqual([
      'usage_percentage:50',
      'usage_value:60',
      'usage_percentage:80',
    ]);
  });

  test('an allowance that grew beyond a line arms it again, one that did not grow past it does not', () => {
    expect(
      walk([
        { usage: 100, allowance: 100 },
        { usage: 100, allowance: 110 },
        { usage: 108, allowance: 110 },
        { usage: 110, allowance: 110 },
        { usage: 110, allowance: 200 },
        { usage: 160, allowance: 200 },
      ]).slice(1),
    ).toEqual([[], [], ['usage_percentage:100'], [], ['usage_percentage:80']]);
  });

  test('an allowance that shrank and came back cuts off, and tells, a second time', () => {
    expect(
      walk([
        { usage: 60, allowance: 60 },
        { usage: 60, allowance: 90 },
        { usage: 60, allowance: 50 },
        { usage: 60, allowance: 70 },
        { usage: 70, allowance: 70 },
      ]).slice(1),
    ).toEqual([[], ['usage_percentage:80', 'usage_percentage:100'], [], ['usage_percentage:100']]);
  });

  test('a value of usage is armed by a reset alone', () => {
    expect(
      walk([
        { usage: 60, allowance: 1_000 },
        { usage: 10, allowance: 2_000 },
        { usage: 70, allowance: 2_000 },
        { usage: 0, allowance: 2_000, isReset: true },
        { usage: 60, allowance: 2_000 },
      ]),
    ).toEqual([['usage_value:60'], [], [], [], ['usage_value:60']]);
  });

  test('lines that are no longer drawn are left alone', () => {
    const told = new Set(['usage_percentage:42']);
    expect(crossingsToTell([], told, standing(0, 100), ZERO)).toEqual({ tell: [], rearm: [] });
  });
});
