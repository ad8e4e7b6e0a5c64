import fc from 'fast-check';
import { createLanes } from '../../../src/notifications/delivery/lanes';

const limits = { total: 20, probation: 12, lane: 8 };

describe('lanes', () => {
  it('one that was never tried sends one at a time, and more with every success', () => {
    const lanes = createLanes(limits);
    lanes.want(['a']);
    const slots: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const [claim] = lanes.claim(10, 0);
      slots.push(claim!.slots);
      lanes.settle('a', claim!.slots, claim!.slots);
      for (let sent = 0; sent < claim!.slots; sent += 1) lanes.finish('a', true, 0);
    }
    expect(slots).toEqual([1, 2, 8, 8, 8]);
  });

  /** Claims and takes one delivery of every lane that may send. */
  const takeOneEach = (lanes: ReturnType<typeof createLanes>, now = 0): string[] =>
    lanes.claim(1_000, now).map(({ channelId, slots }) => {
      lanes.settle(channelId, slots, 1);
      return channelId;
    });

  it('dead lanes, however many, leave room for the living', () => {
    const lanes = createLanes(limits);
    lanes.want(['living']);
    takeOneEach(lanes);
    lanes.finish('living', true, 0);
    for (const { channelId, slots } of lanes.claim(1, 0)) lanes.settle(channelId, slots, 0);
    lanes.want(Array.from({ length: 100 }, (_, index) => `dead-${index}`));
    expect(takeOneEach(lanes)).toHaveLength(limits.probation);
    expect(takeOneEach(lanes)).toEqual([]);
    lanes.want(['living']);
    expect(lanes.claim(1_000, 0)).toEqual([{ channelId: 'living', slots: 2 }]);
  });

  it('one that keeps failing rests, longer each time, and is well again with its first success', () => {
    const lanes = createLanes(limits);
    let now = 0;
    /** How long it takes until the lane may send again. */
    const restBefore = (): number => {
      const begun = now;
      lanes.want(['a']);
      while (takeOneEach(lanes, now).length === 0) now += 50;
      return now - begun;
    };
    const rests = Array.from({ length: 9 }, () => {
      const rest = restBefore();
      lanes.finish('a', false, now);
      return rest;
    });
    expect(rests).toEqual([0, 0, 250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
    restBefore();
    lanes.finish('a', true, now);
    lanes.want(['a']);
    expect(lanes.claim(10, now)).toEqual([{ channelId: 'a', slots: 2 }]);
  });

  it('never have more under way than their limits, whatever happens, and end with nothing', () => {
    const step = fc.record({
      kind: fc.constantFrom('want', 'claim', 'finish'),
      channel: fc.integer({ min: 0, max: 30 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      succeeds: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const lanes = createLanes(limits);
        const underWay: string[] = [];
        let now = 0;
        for (const { kind, channel, share, succeeds } of steps) {
          now += 100;
          if (kind === 'want') lanes.want([`lane-${channel}`]);
          if (kind === 'claim') {
            for (const { channelId, slots } of lanes.claim(10, now)) {
              const taken = Math.round(slots * share);
              lanes.settle(channelId, slots, taken);
              for (let one = 0; one < taken; one += 1) underWay.push(channelId);
            }
          }
          if (kind === 'finish') {
            const [id] = underWay.splice(Math.floor(share * (underWay.length - 1)), 1);
            if (id) lanes.finish(id, succeeds, now);
          }
          expect(lanes.inFlight()).toBe(underWay.length);
          expect(underWay.length).toBeLessThanOrEqual(limits.total);
          for (const id of new Set(underWay)) {
            expect(underWay.filter((other) => other === id).length).toBeLessThanOrEqual(limits.lane);
          }
        }
        for (const id of underWay) lanes.finish(id, true, now);
        expect(lanes.inFlight()).toBe(0);
      }),
    );
  });

  it('serves lanes in turn: one with a long backlog goes to the end of the line', () => {
    const lanes = createLanes(limits);
    lanes.want(['long', 'short']);
    const [first] = lanes.claim(1, 0);
    expect(first!.channelId).toBe('long');
    lanes.settle('long', 1, 1);
    lanes.finish('long', true, 0);
    expect(lanes.claim(1, 0)[0]!.channelId).toBe('short');
  });
});
