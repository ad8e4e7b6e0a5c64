/**
 * A lean load generator, forked by the benches: keep-alive sockets that each send one pre-rendered request after another,
 * with fresh ids, subjects and times patched in. It waits for each answer before the next request on that socket.
 */
import { connect, type Socket } from 'node:net';
import {
  eventText,
  idLength,
  methodAt,
  nextId,
  routeAt,
  subjectAt,
  subjectCount,
  timeLength,
} from './sample-events';

export interface Load {
  port: number;
  path: string;
  token: string;
  connections: number;
  /** Events a request; 1 sends a single structured event. */
  batch: number;
  seconds: number;
  /** Subjects that the events are spread over; {@link subjectCount} when absent. */
  subjects?: number;
  /** Requests sent before measuring begins, so that code is compiled and caches are filled. */
  warmUpSeconds: number;
}

export interface LoadResult {
  seconds: number;
  requests: number;
  events: number;
  /** Answers 503, which are retried after the second that they ask for. */
  refused: number;
  /** Any other answer that is not a success, and broken connections. */
  failed: number;
  p50Ms: number;
  p99Ms: number;
  maximumMs: number;
}

interface Rendered {
  request: Buffer;
  /** Where the id, subject and time of each event stand. */
  places: { id: number; subject: number; time: number }[];
}

const subjectsOf = ({ subjects }: Load): number => subjects ?? subjectCount;
const digitsOf = (load: Load): number => Math.max(4, String(subjectsOf(load) - 1).length);
const subjectWidth = (load: Load): number => subjectAt(0, digitsOf(load)).length;

const placeholder = (mark: string, length: number): string => mark.repeat(length);

/** A request whose varying parts have fixed widths; `first` decides the methods and routes of its events. */
const render = (load: Load, first: number): Rendered => {
  const events = Array.from({ length: load.batch }, (_, index) =>
    eventText({
      id: placeholder('i', idLength),
      time: placeholder('t', timeLength),
      subject: placeholder('s', subjectWidth(load)),
      method: methodAt(first + index),
      route: routeAt(Math.floor((first + index) / 4)),
    }),
  );
  const isBatch = load.batch > 1;
  const body = isBatch ? `[${events.join(',')}]` : events[0]!;
  const head =
    `POST ${load.path} HTTP/1.1\r\nHost: 127.0.0.1:${load.port}\r\nAuthorization: Bearer ${load.token}\r\n` +
    `Content-Type: application/cloudevents${isBatch ? '-batch' : ''}+json\r\nContent-Length: ${body.length}\r\n\r\n`;
  const request = Buffer.from(head + body, 'latin1');
  const places: Rendered['places'] = [];
  let from = head.length;
  for (let index = 0; index < load.batch; index += 1) {
    const find = (mark: string, length: number) => request.indexOf(placeholder(mark, length), from, 'latin1');
    const place = {
      id: find('i', idLength),
      subject: find('s', subjectWidth(load)),
      time: find('t', timeLength),
    };
    places.push(place);
    from = place.time + timeLength;
  }
  return { request, places };
};

const patch = ({ request, places }: Rendered, load: Load): Buffer => {
  const digits = digitsOf(load);
  const subjects = subjectsOf(load);
  const time = new Date().toISOString();
  for (const place of places) {
    request.write(nextId(), place.id, idLength, 'latin1');
    request.write(
      subjectAt(Math.floor(Math.random() * subjects), digits),
      place.subject,
      subjectWidth(load),
      'latin1',
    );
    request.write(time, place.time, timeLength, 'latin1');
  }
  return request;
};

/** Status and length of the first whole answer in `text`, or undefined while it is incomplete. */
const answerIn = (text: string): { status: number; length: number } | undefined => {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const body = Number(/\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
  const length = end + 4 + body;
  return text.length < length ? undefined : { status: Number(text.slice(9, 12)), length };
};

const run = async (load: Load): Promise<LoadResult> => {
  const latencies: number[] = [];
  const counts = { refused: 0, failed: 0 };
  const begin = performance.now() + load.warmUpSeconds * 1_000;
  const end = begin + load.seconds * 1_000;

  const drive = (index: number): Promise<void> =>
    new Promise((resolve) => {
      const rendered = render(load, index * 7);
      const socket: Socket = connect({ port: load.port, host: '127.0.0.1', noDelay: true });
      let text = '';
      let sentAt = 0;
      const send = () => {
        sentAt = performance.now();
        if (sentAt >= end) {
          socket.destroy();
          resolve();
          return;
        }
        socket.write(patch(rendered, load));
      };
      const answered = (status: number) => {
        const now = performance.now();
        if (status === 503) {
          counts.refused += 1;
          setTimeout(send, 1_000);
          return;
        }
        if (status >= 300) counts.failed += 1;
        else if (sentAt >= begin && now <= end) latencies.push(now - sentAt);
        send();
      };
      socket.on('connect', send);
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        const answer = answerIn(text);
        if (!answer) return;
        text = text.slice(answer.length);
        answered(answer.status);
      });
      socket.on('error', () => {
        counts.failed += 1;
      });
      socket.on('close', () => resolve());
    });

  await Promise.all(Array.from({ length: load.connections }, (_, index) => drive(index)));
  latencies.sort((a, b) => a - b);
  const at = (share: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return {
    seconds: load.seconds,
    requests: latencies.length,
    events: latencies.length * load.batch,
    ...counts,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maximumMs: latencies.at(-1) ?? 0,
  };
};

process.once('message', (load) => {
  run(load as Load).then(
    (result) => process.send?.(result, () => process.exit(0)),
    (error: Error) => {
      process.stderr.write(`${error.stack}\n`);
      process.exit(1);
    },
  );
});
