import type { ServerResponse } from 'node:http';
import { Refusal } from '../primitives/refusal';

/** A reader that is so many bytes behind is cut off; it comes back, with Last-Event-ID where the stream has ids. */
const backlogLimitBytes = 1 << 20;
const heartbeatMs = 15_000;

/** Server-sent events (WHATWG HTML, 9.2) to one reader. */
export interface EventStream {
  /** @param data the text of one line, such as JSON */
  send(event: string, data: string, id?: string): void;
  end(): void;
  /** Is called once the reader is gone, or at once when it is gone already. */
  onEnd(ended: () => void): void;
}

/** Answers with a stream of events, and keeps it alive with comments. */
export const openEventStream = (response: ServerResponse): EventStream => {
  response.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
  });
  // A HEAD request is told the headers only; without an end not even they would be sent.
  if (response.req.method === 'HEAD') response.end();
  else {
    response.write('retry: 1000\n\n');
    const heartbeat = setInterval(() => response.write(': still here\n\n'), heartbeatMs);
    response.once('close', () => clearInterval(heartbeat));
  }
  return {
    send: (event, data, id) => {
      if (response.destroyed || response.writableEnded) return;
      response.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`);
      if (response.writableLength > backlogLimitBytes) response.destroy();
    },
    end: () => response.end(),
    onEnd: (ended) => {
      if (response.destroyed) ended();
      else response.once('close', ended);
    },
  };
};

/** @throws Refusal `too_many_streams` */
export const refuseStreamsBeyond = (open: number, maximum: number): void => {
  if (open < maximum) return;
  throw new Refusal('overloaded', 'too_many_streams', 'too many live views are open; try again later', {
    retryAfterSeconds: 5,
  });
};
