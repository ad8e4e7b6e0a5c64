/**
 * Kong's side of the plugin socket, as cheap as it can be made, in a process of its own: connections with one
 * call in flight, two calls an event (HandleEvent, Step). Told what to do by its parent over IPC.
 */
import { connect, type Socket } from 'node:net';
import { decode, encode } from '@msgpack/msgpack';
import { logEntryTemplate } from './log-entry-template';

export interface Load {
  readonly socket: string;
  readonly connections: number;
  readonly events: number;
  /** Events a second, sent on a schedule whatever comes back; undefined: as fast as answers come. */
  readonly rate?: number;
  readonly config: Record<string, unknown>;
  /** Sets the request ids of this load apart from those of others. */
  readonly prefix: string;
}

export interface LoadResult {
  readonly events: number;
  readonly seconds: number;
  /** From when the step was due until it was acknowledged, in microseconds. */
  readonly acknowledgementMicros: readonly number[];
}

const handleEventFrame = (instance: number): Buffer =>
  Buffer.from(encode([0, 1, 'plugin.HandleEvent', [{ EventName: 'log', InstanceId: instance }]]));

/** A step frame with room for the event id (uint 32) and the request id (16 characters). */
class StepFrame {
  private readonly bytes: Buffer;
  private readonly eventIdAt: number;
  private readonly requestIdAt: number;

  constructor(requestId: string) {
    const head = Buffer.concat([
      Buffer.from([0x94, 0x00, 0x02]),
      Buffer.from(encode('plugin.Step')),
      Buffer.from([0x91, 0x82]),
      Buffer.from(encode('EventId')),
      Buffer.from([0xce]),
    ]);
    const rest = Buffer.concat([
      Buffer.from(encode('Data')),
      Buffer.from(encode(logEntryTemplate(requestId))),
    ]);
    this.eventIdAt = head.length;
    this.bytes = Buffer.concat([head, Buffer.alloc(4), rest]);
    this.requestIdAt = this.bytes.indexOf(requestId);
  }

  fill(eventId: number, requestId: string): Buffer {
    this.bytes.writeUInt32BE(eventId, this.eventIdAt);
    this.bytes.write(requestId, this.requestIdAt, 'latin1');
    return Buffer.from(this.bytes);
  }
}

class Connection {
  private onAnswer: (bytes: Buffer) => void = () => undefined;

  private constructor(
    private readonly socket: Socket,
    private readonly step: StepFrame,
  ) {
    socket.on('data', (bytes) => this.onAnswer(bytes));
    socket.on('error', (error) => {
      process.stderr.write(`${error.message}\n`);
      process.exit(1);
    });
  }

  static open(path: string): Promise<Connection> {
    return new Promise((resolve) => {
      const socket = connect(path, () => resolve(new Connection(socket, new StepFrame('0'.repeat(16)))));
    });
  }

  startInstance(config: object): Promise<number> {
    const start = { Name: 'tollgate', Config: JSON.stringify(config) };
    return new Promise((resolve) => {
      this.onAnswer = (bytes) => resolve((decode(bytes) as [0, 0, 0, { Id: number }])[3].Id);
      this.socket.write(encode([0, 1, 'plugin.StartInstance', [start]]));
    });
  }

  log(handleEvent: Buffer, requestId: string, done: (stepSentAt: number) => void): void {
    this.onAnswer = (bytes) => {
      const { EventId } = (decode(bytes) as [0, 0, 0, { EventId: number }])[3];
      const stepSentAt = performance.now();
      this.onAnswer = (answer) => {
        if (!answer.includes('ret')) throw new Error('the event was not acknowledged');
        done(stepSentAt);
      };
      this.socket.write(this.step.fill(EventId, requestId));
    };
    this.socket.write(handleEvent);
  }

  close(): void {
    this.socket.destroy();
  }
}

async function run(load: Load): Promise<LoadResult> {
  const connections = await Promise.all(
    Array.from({ length: load.connections }, () => Connection.open(load.socket)),
  );
  const handleEvent = handleEventFrame(await (connections[0] as Connection).startInstance(load.config));
  let sent = 0;
  let acknowledged = 0;
  const micros: number[] = [];
  const nextId = (): string => `${load.prefix}${String(sent++).padStart(16 - load.prefix.length, '0')}`;
  const startedAt = performance.now();
  await new Promise<void>((resolve) => {
    const idle: Connection[] = [];
    const finish = (stepSentAt: number): void => {
      micros.push((performance.now() - stepSentAt) * 1000);
      acknowledged += 1;
      if (acknowledged === load.events) resolve();
    };
    const sendOn = (connection: Connection): void => {
      connection.log(handleEvent, nextId(), (stepSentAt) => {
        finish(stepSentAt);
        if (load.rate !== undefined) idle.push(connection);
        else if (sent < load.events) sendOn(connection);
      });
    };
    if (load.rate === undefined) {
      for (const connection of connections) if (sent < load.events) sendOn(connection);
      return;
    }
    idle.push(...connections);
    const rate = load.rate;
    const pump = (): void => {
      const due = Math.min(load.events, Math.floor(((performance.now() - startedAt) * rate) / 1000));
      while (sent < due && idle.length > 0) sendOn(idle.pop() as Connection);
      if (sent < load.events) setImmediate(pump);
    };
    pump();
  });
  const seconds = (performance.now() - startedAt) / 1000;
  for (const connection of connections) connection.close();
  micros.sort((a, b) => a - b);
  const sampled = [0.5, 0.99].map((share) => micros[Math.floor(micros.length * share)] ?? 0);
  return { events: acknowledged, seconds, acknowledgementMicros: sampled };
}

process.on('message', (load: Load) => {
  run(load).then(
    (result) => process.send?.(result),
    (error: Error) => {
      process.stderr.write(`${error.stack}\n`);
      process.exit(1);
    },
  );
});
