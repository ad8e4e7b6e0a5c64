import fc from 'fast-check';
import { createEventStreamParser, type StreamEvent } from '../../src/live/event-stream-parser';
import { reconnectDelayMs } from '../../src/live/reconnect-delay';

const read = (pieces: readonly string[]): StreamEvent[] => {
  const events: StreamEvent[] = [];
  const parser = createEventStreamParser((event) => events.push(event));
  for (const piece of pieces) parser.push(piece);
  return events;
};

const stream =
  'retry: 1000\n\n: still here\n\nid: 7\nevent: log\r\ndata: {"a":1}\r\n\r\ndata: x\ndata:y\n\nid: 8\n\n';
const expected = [
  { event: 'log', data: '{"a":1}', id: '7' },
  { event: 'message', data: 'x\ny', id: '7' },
];

describe('the parser of event streams', () => {
  test('reads events, joins their lines and leaves comments out', () => {
    expect(read([stream])).toEqual(expected);
  });

  test('reads the same however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 20 }), (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), stream.length];
        expect(read(places.slice(1).map((place, index) => stream.slice(places[index], place)))).toEqual(
          expected,
        );
      }),
    );
  });

  test('remembers the last id, from which a new connection goes on', () => {
    const parser = createEventStreamParser(() => undefined);
    parser.push(stream);
    expect(parser.lastId()).toBe('8');
  });

  test('gives up on a stream that never ends a line', () => {
    expect(() => read(['x'.repeat(5 * 1024 * 1024)])).toThrow('no line ends');
  });
});

test('attempts to reconnect come further apart, up to 15 s, and never at once', () => {
  fc.assert(
    fc.property(fc.nat(100), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
      const delay = reconnectDelayMs(attempt, random);
      expect(delay).toBeGreaterThanOrEqual(250);
      expect(delay).toBeLessThanOrEqual(15_000);
    }),
  );
  expect(reconnectDelayMs(0, 1)).toBeLessThan(reconnectDelayMs(3, 1));
});
