import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import {
  askForLogEntry,
  encodeLogPhaseAnswer,
  eventIsOver,
  LogPhaseAnswer,
} from '../src/server/log-phase-answer';
import { type LogPhaseCall, readLogPhaseCall } from '../src/server/log-phase-call';

const number = fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 70_000 }), fc.nat({ max: 2 ** 32 - 1 }));
/** Longer than 31 bytes, as every log entry is, with characters of every width. */
const entry = fc.string({ unit: 'binary', minLength: 32, maxLength: 70_000 });
const inEitherOrder = (fields: Record<string, unknown>, isReversed: boolean): object =>
  Object.fromEntries(isReversed ? Object.entries(fields).reverse() : Object.entries(fields));

/** What the general decoder makes of the same bytes. */
const generally = (bytes: Uint8Array): unknown => {
  const [, messageId, method, [argument]] = decode(bytes) as [0, number, string, [Record<string, unknown>]];
  return method === 'plugin.Step'
    ? { method: 'Step', messageId, eventId: argument.EventId, data: argument.Data }
    : { method: 'HandleEvent', messageId, instanceId: argument.InstanceId };
};

const withoutEnd = ({ end: _, ...call }: LogPhaseCall): unknown => call;

test('both calls of a logged request are read as the general decoder reads them, wherever they stand', () => {
  fc.assert(
    fc.property(
      number,
      number,
      entry,
      fc.boolean(),
      fc.nat({ max: 20 }),
      (message, id, data, isReversed, offset) => {
        for (const [method, fields] of [
          ['plugin.Step', { EventId: id, Data: data }],
          ['plugin.HandleEvent', { InstanceId: id, EventName: 'log' }],
        ] as const) {
          const frame = encode([0, message, method, [inEitherOrder(fields, isReversed)]]);
          const bytes = Buffer.concat([Buffer.alloc(offset, 0xc0), frame, Buffer.from([0x94])]);
          const call = readLogPhaseCall(bytes, offset) as LogPhaseCall;
          expect(call.end).toBe(offset + frame.length);
          expect(withoutEnd(call)).toEqual(generally(frame));
        }
      },
    ),
  );
});

test('a call of which some has not arrived is left alone, wherever it is cut', () => {
  const frame = Buffer.from(encode([0, 70_000, 'plugin.Step', [{ EventId: 300, Data: 'x'.repeat(300) }]]));
  for (let length = 0; length < frame.length; length += 1) {
    expect(readLogPhaseCall(frame.subarray(0, length), 0)).toBeUndefined();
  }
  expect(readLogPhaseCall(frame, 0)).toBeDefined();
});

test.each([
  ['another method', [0, 1, 'plugin.StartInstance', [{ Name: 'a', Config: '{}' }]]],
  ['another phase', [0, 1, 'plugin.HandleEvent', [{ InstanceId: 1, EventName: 'access' }]]],
  ['a step with something else than a text', [0, 1, 'plugin.Step', [{ EventId: 2, Data: 7 }]]],
  ['a field twice', [0, 1, 'plugin.Step', [{ EventId: 2, Event: 2 }]]],
  ['three fields', [0, 1, 'plugin.Step', [{ EventId: 2, Data: 'x'.repeat(40), More: 1 }]]],
  ['an answer', [1, 1, null, { EventId: 2, Data: 'ret' }]],
  ['a negative number', [0, 1, 'plugin.Step', [{ EventId: -2, Data: 'x'.repeat(40) }]]],
])('%s is left to the general decoder', (_, message) => {
  expect(readLogPhaseCall(Buffer.from(encode(message)), 0)).toBeUndefined();
});

test('every log-phase call of a real Kong takes the short way', () => {
  const frames = readFileSync(join(__dirname, 'fixtures/kong-3.9-log-phase.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { from: string; message: [number, number, string]; bytes?: string })
    .filter(({ from, message, bytes }) => from === 'kong' && bytes && /HandleEvent|Step/.test(message[2]));
  const read = frames.map(({ bytes }) => readLogPhaseCall(Buffer.from(bytes as string, 'base64'), 0));
  expect(frames.length).toBeGreaterThan(10);
  // A plugin that asked for single values is in the recording as well; those steps are short.
  const logged = frames.filter(({ bytes }) => Buffer.from(bytes as string, 'base64').includes('{"'));
  expect(logged.length).toBeGreaterThan(5);
  for (const [index, frame] of frames.entries()) {
    if (frame.message[2] === 'plugin.HandleEvent' || logged.includes(frame))
      expect(read[index]).toBeDefined();
  }
});

test('both answers are byte for byte what the general encoder writes', () => {
  fc.assert(
    fc.property(
      number,
      number,
      fc.constantFrom<LogPhaseAnswer['Data']>(askForLogEntry, eventIsOver),
      (message, event, data) => {
        const general = encode([1, message, null, { EventId: event, Data: data }]);
        const bytes = encodeLogPhaseAnswer(message, new LogPhaseAnswer(event, data));
        expect(bytes.toString('hex')).toBe(Buffer.from(general).toString('hex'));
      },
    ),
  );
});
