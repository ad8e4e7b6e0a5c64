import { checkPathCost, compilePath } from '../../../src/metering/json-path';

describe('the cost of a JSONPath', () => {
  it.each(['$.a', '$["a b"][0].c', '$.items[*].price', '$.items[-1]', '$.items[0:3]', '$..tokens'])(
    'is bounded by the size of the event for %s',
    (path) => expect(() => checkPathCost(path)).not.toThrow(),
  );

  it.each([
    ["$[?search(@.a, '(a+)+$')]", 'filters'],
    ['$..[?@.a == 1]', 'filters'],
    ['$[*,*][*,*]', 'several selectors'],
    ['$["a","b"]', 'several selectors'],
    ['$..*..*', 'may stand in a path once'],
  ])('is not for %s, which is refused', (path, reason) => expect(() => checkPathCost(path)).toThrow(reason));

  it('stays small for the longest path and the deepest event that are taken', () => {
    const path = `$${'[*]'.repeat(85)}`;
    checkPathCost(path);
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    expect(compilePath(path)(nested(85))).toBe(1);
    expect(compilePath(path)(nested(84))).toBeUndefined();
  });

  it('reads own properties alone', () => {
    for (const path of ['$.__proto__', '$.constructor', '$["toString"]', '$..__proto__'])
      expect(compilePath(path)({ a: 1 })).toBeUndefined();
    expect(compilePath('$.__proto__')(JSON.parse('{"__proto__":5}'))).toBe(5);
  });
});
