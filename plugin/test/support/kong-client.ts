import { connect, type Socket } from 'node:net';
import { decode, encode } from '@msgpack/msgpack';
import { messageLength } from '../../src/server/message-length';

type Answer = { readonly error: unknown; readonly result: unknown };

/** One connection as Kong holds it: MessagePack-RPC, one call in flight. */
export class KongConnection {
  private readonly waiting = new Map<
    number,
    { resolve: (answer: Answer) => void; reject: (error: Error) => void }
  >();
  private lastId = 0;
  private pending: Buffer = Buffer.alloc(0);
  private closedBy: Error | undefined;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => this.receive(chunk));
    socket.on('close', () => this.fail(new Error('the connection was closed')));
    socket.on('error', (error) => this.fail(error));
  }

  static open(path: string): Promise<KongConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new KongConnection(socket));
      });
    });
  }

  get isClosed(): boolean {
    return this.closedBy !== undefined;
  }

  /** `[0, id, method, args]`; resolves with both parts of the answer, rejects once the connection is closed. */
  request(method: string, ...args: unknown[]): Promise<Answer> {
    // A closed socket takes what is written to it without a word, and no answer would ever come.
    if (this.closedBy) return Promise.reject(this.closedBy);
    this.lastId += 1;
    const id = this.lastId;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.socket.write(encode([0, id, method, args]));
    });
  }

  /** As `request`, but an error answer rejects. */
  async call<Result>(method: string, ...args: unknown[]): Promise<Result> {
    const { error, result } = await this.request(method, ...args);
    if (error) throw new Error(String(error));
    return result as Result;
  }

  async startInstance(config: object, name = 'tollgate'): Promise<number> {
    const started = await this.call<{ Id: number }>('plugin.StartInstance', {
      Name: name,
      Config: JSON.stringify(config),
    });
    return started.Id;
  }

  /** The log phase of one request: two calls. Resolves when the server has acknowledged it. */
  async log(instance: number, serialized: string, stepOver: KongConnection = this): Promise<void> {
    const event = { InstanceId: instance, EventName: 'log' };
    const asked = await this.call<{ EventId: number; Data: { Method: string } }>('plugin.HandleEvent', event);
    if (asked.Data.Method !== 'kong.log.serialize') throw new Error(`unexpected call ${asked.Data.Method}`);
    const step = { EventId: asked.EventId, Data: serialized };
    const { Data } = await stepOver.call<{ Data: unknown }>('plugin.Step', step);
    if (Data !== 'ret') throw new Error('the log phase made a second call');
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  close(): void {
    this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    for (;;) {
      const length = messageLength(this.pending, 0);
      if (length === undefined) return;
      const [, id, error, result] = decode(this.pending.subarray(0, length)) as [1, number, unknown, unknown];
      this.pending = this.pending.subarray(length);
      this.waiting.get(id)?.resolve({ error, result });
      this.waiting.delete(id);
    }
  }

  private fail(error: Error): void {
    this.closedBy ??= error;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
