import fc from 'fast-check';
import { createWeekFilter, filterBytes, hashIdentity } from '../../../src/events/week-filter';

const identity = fc.record({
  id: fc.string({ minLength: 1, unit: 'grapheme' }),
  source: fc.string({ minLength: 1, unit: 'grapheme' }),
});

describe('the filter of a week', () => {
  it('never denies an event that the week holds', () => {
    fc.assert(
      fc.property(fc.array(identity, { maxLength: 200 }), fc.nat({ max: 100 }), (events, expected) => {
        const filter = createWeekFilter(expected);
        for (const { id, source } of events) filter.add(id, source);
        for (const { id, source } of events) expect(filter.mayHold(hashIdentity(id, source))).toBe(true);
      }),
    );
  });

  it('rules out nearly all events that the week does not hold', () => {
    const filter = createWeekFilter(20_000);
    for (let index = 0; index < 20_000; index += 1) filter.add(`known-${index}`, 'gateway');
    let suspects = 0;
    for (let index = 0; index < 20_000; index += 1) {
      if (filter.mayHold(hashIdentity(`new-${index}`, 'gateway'))) suspects += 1;
    }
    expect(suspects).toBeLessThan(200);
  });

  it('tells events apart whose source and id join to the same text', () => {
    expect(hashIdentity('b-c', 'a')).not.toEqual(hashIdentity('c', 'a-b'));
    expect(hashIdentity('ab', 'c')).not.toEqual(hashIdentity('a', 'bc'));
  });

  it('takes twelve bits an event, in whole blocks of 64 bytes', () => {
    expect(createWeekFilter(1_000_000).bytes).toBe(1_500_032);
    expect(filterBytes(1_000_000)).toBe(1_500_032);
    expect(filterBytes(0)).toBe(64);
  });
});
