import { createIdentifierSource, isIdentifier } from '../../../src/primitives/identifiers';
import { ManualClock } from '../../support/manual-clock';

describe('identifiers', () => {
  test('ascend within a millisecond and when the clock goes back', () => {
    const clock = new ManualClock('2025-01-01T00:00:00Z');
    const next = createIdentifierSource(clock);
    const made = Array.from({ length: 1_000 }, () => next());
    clock.advance(-5_000);
    made.push(next());
    clock.advance(10_000);
    made.push(next());
    expect([...made].sort()).toEqual(made);
    expect(new Set(made).size).toBe(made.length);
  });

  test('follow from the clock and the random source alone', () => {
    const make = () => createIdentifierSource(new ManualClock('2025-01-01T00:00:00Z'), () => 0.5)();
    expect(make()).toBe(make());
    expect(make()).toMatch(/^01JGFJJZ00G{16}$/);
  });

  test('are recognised by their form', () => {
    expect(isIdentifier(createIdentifierSource()())).toBe(true);
    for (const text of [
      '',
      'abc',
      '01JGFJJZ00GGGGGGGGGGGGGGG',
      '01jgfjjz00gggggggggggggggg',
      '01JGFJJZ00GGGGGGGGGGGGGGGU',
    ]) {
      expect(isIdentifier(text)).toBe(false);
    }
  });
});
