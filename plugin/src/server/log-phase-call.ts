/** One of the two calls that Kong makes for every logged request, read without the general decoder. */
export type LogPhaseCall =
  | {
      readonly method: 'HandleEvent';
      readonly messageId: number;
      readonly instanceId: number;
      /** Offset behind the call. */
      readonly end: number;
    }
  | {
      readonly method: 'Step';
      readonly messageId: number;
      readonly eventId: number;
      /** What `kong.log.serialize()` returned. */
      readonly data: string;
      readonly end: number;
    };

/** `[0, ` and `]`-less arrays and maps of MessagePack, as Kong's writer makes them. */
const requestArray = 0x94;
const oneArgument = 0x91;
const twoFields = 0x82;

/**
 * Reads `[0, id, "plugin.HandleEvent", [{InstanceId, EventName: "log"}]]` or `[0, id, "plugin.Step", [{EventId, Data}]]`
 * at `offset`, the fields in either order. Undefined for anything else, and for a call of which some has not arrived:
 * the general decoder then has its turn. These two are all but a handful of what Kong says, and the general decoder
 * makes seven objects and as many strings of each.
 */
export function readLogPhaseCall(bytes: Buffer, offset: number): LogPhaseCall | undefined {
  if (bytes[offset] !== requestArray || bytes[offset + 1] !== 0) return undefined;
  const id = readUnsigned(bytes, offset + 2);
  if (id === undefined) return undefined;
  const method = methodAt(bytes, id.end);
  if (method === undefined) return undefined;
  const fieldsAt = id.end + methods[method].length;
  if (bytes[fieldsAt] !== oneArgument || bytes[fieldsAt + 1] !== twoFields) return undefined;
  return method === 'Step'
    ? readStep(bytes, fieldsAt + 2, id.value)
    : readHandleEvent(bytes, fieldsAt + 2, id.value);
}

/** A short string as MessagePack writes it. */
const fixedText = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0xa0 | text.length]), Buffer.from(text, 'latin1')]);

const methods = { HandleEvent: fixedText('plugin.HandleEvent'), Step: fixedText('plugin.Step') };
const instanceIdKey = fixedText('InstanceId');
const eventNameKey = fixedText('EventName');
const logEvent = fixedText('log');
const eventIdKey = fixedText('EventId');
const dataKey = fixedText('Data');

function methodAt(bytes: Buffer, at: number): 'HandleEvent' | 'Step' | undefined {
  if (startsWith(bytes, at, methods.Step)) return 'Step';
  return startsWith(bytes, at, methods.HandleEvent) ? 'HandleEvent' : undefined;
}

function startsWith(bytes: Buffer, at: number, expected: Buffer): boolean {
  if (at + expected.length > bytes.length) return false;
  for (let index = 0; index < expected.length; index += 1) {
    if (bytes[at + index] !== expected[index]) return false;
  }
  return true;
}

function readHandleEvent(bytes: Buffer, at: number, messageId: number): LogPhaseCall | undefined {
  let instanceId: number | undefined;
  let isLog = false;
  let end = at;
  for (let field = 0; field < 2; field += 1) {
    if (startsWith(bytes, end, instanceIdKey)) {
      const read = readUnsigned(bytes, end + instanceIdKey.length);
      if (read === undefined) return undefined;
      instanceId = read.value;
      end = read.end;
    } else if (startsWith(bytes, end, eventNameKey)) {
      isLog = startsWith(bytes, end + eventNameKey.length, logEvent);
      if (!isLog) return undefined;
      end += eventNameKey.length + logEvent.length;
    } else return undefined;
  }
  if (instanceId === undefined || !isLog) return undefined;
  return { method: 'HandleEvent', messageId, instanceId, end };
}

function readStep(bytes: Buffer, at: number, messageId: number): LogPhaseCall | undefined {
  let eventId: number | undefined;
  let data: string | undefined;
  let end = at;
  for (let field = 0; field < 2; field += 1) {
    if (startsWith(bytes, end, eventIdKey)) {
      const read = readUnsigned(bytes, end + eventIdKey.length);
      if (read === undefined) return undefined;
      eventId = read.value;
      end = read.end;
    } else if (startsWith(bytes, end, dataKey)) {
      const text = textBounds(bytes, end + dataKey.length);
      if (text === undefined) return undefined;
      data = bytes.toString('utf8', text.start, text.end);
      end = text.end;
    } else return undefined;
  }
  if (eventId === undefined || data === undefined) return undefined;
  return { method: 'Step', messageId, eventId, data, end };
}

/** A whole number from 0 to 2^32 - 1 in any of the forms that writers choose. */
function readUnsigned(bytes: Buffer, at: number): { value: number; end: number } | undefined {
  const type = bytes[at];
  if (type === undefined) return undefined;
  if (type <= 0x7f) return { value: type, end: at + 1 };
  const width = type === 0xcc ? 1 : type === 0xcd ? 2 : type === 0xce ? 4 : 0;
  if (width === 0 || at + 1 + width > bytes.length) return undefined;
  return { value: bytes.readUIntBE(at + 1, width), end: at + 1 + width };
}

/** Where the text of a str 8, 16 or 32 begins and ends; undefined unless all of it is there. */
function textBounds(bytes: Buffer, at: number): { start: number; end: number } | undefined {
  const type = bytes[at];
  const width = type === 0xd9 ? 1 : type === 0xda ? 2 : type === 0xdb ? 4 : 0;
  if (width === 0 || at + 1 + width > bytes.length) return undefined;
  const start = at + 1 + width;
  const end = start + bytes.readUIntBE(at + 1, width);
  return end <= bytes.length ? { start, end } : undefined;
}
