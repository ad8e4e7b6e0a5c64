/** One server-sent event (WHATWG HTML, 9.2.6). */
export interface StreamEvent {
  event: string;
  data: string;
  /** The last id seen, also from an earlier event. */
  id: string;
}

/** Longer than any event of ours: a stream that sends more without an end is not one. */
const bufferLimit = 4 * 1024 * 1024;

/** Reads `text/event-stream` from pieces of any size. */
export const createEventStreamParser = (onEvent: (event: StreamEvent) => void) => {
  let buffer = '';
  let event = '';
  let data: string[] = [];
  let id = '';

  const dispatch = (): void => {
    if (data.length > 0) onEvent({ event: event || 'message', data: data.join('\n'), id });
    event = '';
    data = [];
  };

  const readLine = (line: string): void => {
    if (line === '') {
      dispatch();
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
  };

  return {
    push: (text: string): void => {
      buffer += text;
      if (buffer.length > bufferLimit) throw new Error('the stream sends no line ends');
      for (;;) {
        const end = /\r\n|\n|\r/.exec(buffer);
        // A carriage return at the end of a piece may be half of a line end.
        if (!end || (end[0] === '\r' && end.index === buffer.length - 1)) return;
        readLine(buffer.slice(0, end.index));
        buffer = buffer.slice(end.index + end[0].length);
      }
    },
    lastId: (): string => id,
  };
};
