import { checkText } from '../../../src/http/check-text';
import { Refusal } from '../../../src/primitives/refusal';

const fieldOf = (value: unknown, where: 'path' | 'query' | 'body' = 'body'): string | undefined => {
  try {
    checkText(value, where);
    return undefined;
  } catch (error) {
    return (error as Refusal).fields[0]?.field;
  }
};

describe('text that no database keeps', () => {
  it('is refused where it stands, in values and in keys', () => {
    expect(fieldOf({ metadata: { team: ['a', 'b\u0000'] } })).toBe('$.metadata.team[1]');
    expect(fieldOf({ metadata: { '\u0000': 1 } })).toBe('$.metadata');
    expect(fieldOf(JSON.parse('{"name":"\\ud800"}'))).toBe('$.name');
    expect(fieldOf({ subject: 'a\u0000' }, 'query')).toBe('subject');
    expect(fieldOf({ id: '\u0000' }, 'path')).toBe('id');
  });

  it('does not include what only looks odd', () => {
    expect(fieldOf({ name: '👩‍👩‍👧‍👦 \u202e \ufeff', list: [null, 1, true, {}] })).toBeUndefined();
    expect(fieldOf(undefined)).toBeUndefined();
  });

  it('goes with values that are nested deeper than any that is needed', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    expect(fieldOf(nested(64))).toBeUndefined();
    expect(() => checkText(nested(65), 'body')).toThrow(Refusal);
    expect(() => checkText(JSON.parse('['.repeat(5_000) + ']'.repeat(5_000)), 'body')).toThrow(
      'must not be nested deeper than 64 levels',
    );
  });
});
