/**
 * A lean load generator, forked by the benches: keep-alive sockets that each send one pre-rendered request after another,
 * with fresh ids, subjects and times patched in. It waits for each answer before the next request on that socket.
 */
import { connect, type Socket } from 'node:net';
import {
  eventText,
  idLength,
  methodAt,
  routeAt,
  subjectAt,
  subjectCount,
  timeLength,
  writeNextId,
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

/** Texts of times and subjects as bytes: the generator shares its cores with what it measures, so it must cost little. */
let timeAt = 0;
let timeBytes: Buffer = Buffer.alloc(0);
const presentTime = (): Buffer => {
  const now = Date.now();
  if (now !== timeAt) {
    timeAt = now;
    timeBytes = Buffer.from(new Date(now).toISOString(), 'latin1');
  }
  return timeBytes;
};

const subjectsAsBytes = (load: Load): Buffer[] =>
  Array.from({ length: subjectsOf(load) }, (_, index) =>
    Buffer.from(subjectAt(index, digitsOf(load)), 'latin1'),
  );

const patch = ({ request, places }: Rendered, subjects: readonly Buffer[]): Buffer => {
  const time = presentTime();
  for (const place of places) {
    writeNextId(request, place.id);
    subjects[Math.floor(Math.random() * subjects.length)]!.copy(request, place.subject);
    time.copy(request, place.time);
  }
  return request;
};

const endOfHead = '\r\n\r\n';

/** Status and length of the first whole answer in `bytes`, or undefined while it is incomplete. */
const answerIn = (bytes: Buffer): { status: number; length: number } | undefined => {
  const end = bytes.indexOf(endOfHead, 0, 'latin1');
  if (end < 0) return undefined;
  const status = (bytes[9]! - 48) * 100 + (bytes[10]! - 48) * 10 + bytes[11]! - 48;
  const head = end + endOfHead.length;
  // An answer without content has no length.
  if (status === 204) return { status, length: head };
  const length =
    head + Number(/\r\ncontent-length: *(\d+)/i.exec(bytes.toString('latin1', 0, end))?.[1] ?? 0);
  return bytes.length < length ? undefined : { status, length };
};

const run = async (load: Load): Promise<LoadResult> => {
  const latencies: number[] = [];
  const subjects = subjectsAsBytes(load);
  const counts = { refused: 0, failed: 0 };
  const begin = performance.now() + load.warmUpSeconds * 1_000;
  const end = begin + load.seconds * 1_000;

  const drive = (index: number): Promise<void> =>
    new Promise((resolve) => {
      const rendered = render(load, index * 7);
      let rest: Buffer = Buffer.alloc(0);
      let sentAt = 0;
      const send = () => {
        sentAt = performance.now();
        if (sentAt >= end) {
          socket.destroy();
          resolve();
          return;
        }
        socket.write(patch(rendered, subjects));
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
      const received = (bytes: Buffer) => {
        const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
        const answer = answerIn(all);
        rest = Buffer.from(all.subarray(answer?.length ?? 0));
        if (answer) answered(answer.status);
      };
      const socket: Socket = connect({
        port: load.port,
        host: '127.0.0.1',
        noDelay: true,
        onread: {
          buffer: Buffer.allocUnsafe(16 * 1024),
          callback: (size, buffer) => {
            received((buffer as Buffer).subarray(0, size));
            return true;
          },
        },
      });
      socket.on('connect', send);
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
