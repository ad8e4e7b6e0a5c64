/** What the answer to HandleEvent asks Kong to do. */
export const askForLogEntry = Object.freeze({ Method: 'kong.log.serialize', Args: Object.freeze([]) });
/** What the answer to the step that brought the log entry says: the event is over. */
export const eventIsOver = 'ret';

/** One of the two answers that every logged request gets; a class, so that it is told from the answers of other phases. */
export class LogPhaseAnswer {
  constructor(
    readonly EventId: number,
    readonly Data: typeof askForLogEntry | typeof eventIsOver,
  ) {}
}

const fixedText = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0xa0 | text.length]), Buffer.from(text, 'latin1')]);

/** `null` for the error, then a map of two with its first key. */
const middle = Buffer.concat([Buffer.from([0xc0, 0x82]), fixedText('EventId')]);
const asks = Buffer.concat([
  fixedText('Data'),
  Buffer.from([0x82]),
  fixedText('Method'),
  fixedText(askForLogEntry.Method),
  fixedText('Args'),
  Buffer.from([0x90]),
]);
const isOver = Buffer.concat([fixedText('Data'), fixedText(eventIsOver)]);

const maxUnsignedBytes = 5;

/**
 * `[1, id, null, answer]` in MessagePack, byte for byte what the general encoder writes. Every logged request is
 * answered with these two, and only the numbers differ.
 */
export function encodeLogPhaseAnswer(messageId: number, { EventId, Data }: LogPhaseAnswer): Buffer {
  const tail = Data === eventIsOver ? isOver : asks;
  const bytes = Buffer.allocUnsafe(2 + 2 * maxUnsignedBytes + middle.length + tail.length);
  bytes[0] = 0x94;
  bytes[1] = 0x01;
  let end = writeUnsigned(bytes, 2, messageId);
  end += middle.copy(bytes, end);
  end = writeUnsigned(bytes, end, EventId);
  end += tail.copy(bytes, end);
  return bytes.subarray(0, end);
}

/** A whole number from 0 to 2^32 - 1 in its shortest form; returns where it ends. */
function writeUnsigned(bytes: Buffer, at: number, value: number): number {
  if (value <= 0x7f) {
    bytes[at] = value;
    return at + 1;
  }
  if (value <= 0xff) {
    bytes[at] = 0xcc;
    return bytes.writeUInt8(value, at + 1);
  }
  if (value <= 0xffff) {
    bytes[at] = 0xcd;
    return bytes.writeUInt16BE(value, at + 1);
  }
  bytes[at] = 0xce;
  return bytes.writeUInt32BE(value, at + 1);
}
