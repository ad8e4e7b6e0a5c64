import fc from 'fast-check';
import { burnDownOf, type History, historyWindow } from '../../src/pages/customers/burn-down';
import { allowanceOf } from '../../src/pages/customers/entitlement';
import { eventFilter, eventHref, type IngestedEvent } from '../../src/pages/events/ingested-event';
import { addToTail, emptyTail, withStored } from '../../src/pages/events/tail-buffer';

const hour = (n: number): string => new Date(Date.UTC(2026, 0, 1, n)).toISOString();
const period = (from: number, to: number) => ({ from: hour(from), to: hour(to) });

describe('the burn-down of grants', () => {
  const history: History = {
    windowedHistory: [
      { period: period(0, 1), usage: 30, balanceAtStart: 100 },
      { period: period(1, 2), usage: 10, balanceAtStart: 70 },
      { period: period(2, 3), usage: 5, balanceAtStart: 100 },
    ],
    burndownHistory: [
      {
        period: period(0, 2),
        usage: 40,
        overage: 0,
        balanceAtStart: 100,
        balanceAtEnd: 60,
        grantBalancesAtStart: { a: 100 },
        grantBalancesAtEnd: { a: 60 },
      },
      {
        period: period(2, 3),
        usage: 5,
        overage: 0,
        balanceAtStart: 110,
        balanceAtEnd: 105,
        grantBalancesAtStart: { a: 60, b: 50 },
        grantBalancesAtEnd: { a: 60, b: 45 },
      },
    ],
  };

  test('has the ends of every stretch exactly, and the windows between them by their share', () => {
    const { times, grants } = burnDownOf(history);
    expect(times).toEqual(
      [hour(0), hour(1), hour(2), hour(2), hour(3)].map(
        (at, index) => Date.parse(at) + (index === 3 ? 1 : 0),
      ),
    );
    expect(grants).toEqual([
      { id: 'a', values: [100, 70, 60, 60, 60] },
      { id: 'b', values: [0, 0, 0, 50, 45] },
    ]);
  });

  test('goes forward in time, as a chart needs it, and is empty without grants', () => {
    const { times } = burnDownOf({
      ...history,
      burndownHistory: [...history.burndownHistory, ...history.burndownHistory],
    });
    expect([...times].every((time, index) => index === 0 || time > times[index - 1]!)).toBe(true);
    expect(burnDownOf({ windowedHistory: [], burndownHistory: [] })).toEqual({ times: [], grants: [] });
  });

  test('is read in windows of which there are few enough to answer', () => {
    expect(historyWindow(0, 3_600_000)).toBe('MINUTE');
    expect(historyWindow(0, 7 * 86_400_000)).toBe('HOUR');
    expect(historyWindow(0, 90 * 86_400_000)).toBe('DAY');
  });

  test('what is allowed is what was used and what is left, without what went beyond', () => {
    expect(allowanceOf({ hasAccess: true, usage: 30, balance: 70 })).toBe(100);
    expect(allowanceOf({ hasAccess: false, usage: 120, balance: 0, overage: 20 })).toBe(100);
  });
});

const event = (id: string): IngestedEvent => ({
  event: { id, source: 'kong', specversion: '1.0', type: 't', subject: 's', time: hour(0) },
  ingestedAt: hour(0),
});

describe('the tail of events', () => {
  test('puts the newest on top, keeps a limit, and counts what was passed over', () => {
    const tail = addToTail(addToTail(emptyTail, [event('1'), event('2')], 0), [event('3')], 7);
    expect(tail.rows.map(({ item }) => 'event' in item && item.event.id)).toEqual(['3', '2', '1']);
    expect(tail.passedOver).toBe(7);
    const many = addToTail(
      tail,
      Array.from({ length: 1_000 }, (_, n) => event(`n${n}`)),
      0,
    );
    expect(many.rows).toHaveLength(200);
  });

  test('shows a stored event that came live only once, and gives each row its own key', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), fc.uniqueArray(fc.nat(20)), (live, stored) => {
        const tail = addToTail(
          emptyTail,
          live.map((id) => event(String(id))),
          0,
        );
        const rows = withStored(
          tail,
          stored.map((id) => event(String(id))),
        );
        expect(new Set(rows.map(({ key }) => key)).size).toBe(rows.length);
        for (const id of stored) {
          const shown = rows.filter(({ item }) => 'event' in item && item.event.id === String(id));
          expect(shown).toHaveLength(Math.max(1, live.filter((each) => each === id).length));
        }
      }),
    );
  });

  test('an event is addressed by source and id, whatever stands in them', () => {
    expect(eventHref({ source: 'a/b', id: 'x y' })).toBe('/events/a%2Fb/x%20y');
    expect(eventFilter({ subject: 'acme' })).toBe('{"subject":{"$eq":"acme"}}');
    expect(eventFilter({})).toBeUndefined();
  });
});
